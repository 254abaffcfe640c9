// Canvases with the screen's own resolution.

const sizes = new Map(); // asking an element for its size would force a layout in every frame
const observer = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) sizes.set(target, contentRect);
});

// Gives a canvas the screen's resolution; returns the screen pixels in a CSS pixel.
export function fit(canvas) {
  if (!sizes.has(canvas)) {
    sizes.set(canvas, { width: canvas.clientWidth, height: canvas.clientHeight });
    observer.observe(canvas);
  }
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  const width = Math.round(sizes.get(canvas).width * ratio), height = Math.round(sizes.get(canvas).height * ratio);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  return ratio;
}
