// A right hand, its palm towards the viewer, drawn from five angles (0 open, 180 closed; thumb to little).

const YAW = -0.42, PITCH = 0.16, GLIDE_PER_S = 16;
const FLEX = [85, 105, 62].map((degrees) => (degrees * Math.PI) / 180); // knuckle, middle and end joint when closed
const FINGERS = [
  { at: [0.33, 0.0, 0], splay: 0.13, lengths: [0.43, 0.28, 0.21], width: 0.225 },
  { at: [0.105, 0.06, 0], splay: 0.03, lengths: [0.47, 0.32, 0.22], width: 0.23 },
  { at: [-0.125, 0.03, 0], splay: -0.07, lengths: [0.44, 0.3, 0.21], width: 0.22 },
  { at: [-0.345, -0.09, 0], splay: -0.19, lengths: [0.34, 0.22, 0.18], width: 0.195 },
];
const THUMB = {
  at: [0.24, -0.66, 0.08],
  lengths: [0.36, 0.31, 0.25],
  width: 0.25,
  open: [[0.7, 0.62, 0.2], [0.6, 0.78, 0.1], [0.48, 0.87, 0.05]],
  closed: [[0.42, 0.62, 0.66], [-0.5, 0.6, 0.62], [-0.95, 0.2, 0.1]],
};
const WRIST = [[-0.22, -0.95, 0], [0.2, -0.95, 0]];
const PALM = [...WRIST, THUMB.at, ...FINGERS.map(({ at }) => at)].map(([x, y]) => [x, y, -0.03]);
const CENTRE = [0.07, 0.06], HEIGHT = 2.4, WIDTH = 1.9;

const unit = (v) => v.map((x) => x / Math.hypot(...v));

function chain(at, directions, lengths) {
  const joints = [at];
  directions.forEach((d, i) => joints.push(joints[i].map((x, axis) => x + d[axis] * lengths[i])));
  return joints;
}

function thumb(flexion) {
  const mixed = THUMB.open.map((open, i) => unit(open.map((x, axis) => x + flexion * (THUMB.closed[i][axis] - x))));
  return { joints: chain(THUMB.at, mixed, THUMB.lengths), width: THUMB.width };
}

function finger(shape, flexion) {
  let bend = 0;
  const directions = FLEX.map((most) => {
    bend += most * flexion;
    return [Math.sin(shape.splay) * Math.cos(bend), Math.cos(shape.splay) * Math.cos(bend), Math.sin(bend)];
  });
  return { joints: chain(shape.at, directions, shape.lengths), width: shape.width };
}

function skeleton(angles) {
  const [first, ...rest] = angles.map((degrees) => degrees / 180);
  return [thumb(first), ...rest.map((flexion, i) => finger(FINGERS[i], flexion))];
}

function project([x, y, z], view) {
  const turned = x * Math.cos(YAW) + z * Math.sin(-YAW), depth = z * Math.cos(YAW) + x * Math.sin(YAW);
  const up = y * Math.cos(PITCH) - depth * Math.sin(PITCH), near = depth * Math.cos(PITCH) + y * Math.sin(PITCH);
  const size = view.scale * (1 + 0.12 * near);
  return { x: view.x + (turned - CENTRE[0]) * size, y: view.y - (up - CENTRE[1]) * size, near, size };
}

function segments(angles, view) {
  const all = [];
  for (const { joints, width } of skeleton(angles)) {
    const points = joints.map((joint) => project(joint, view));
    for (let i = 0; i + 1 < points.length; i++) {
      const [from, to] = [points[i], points[i + 1]];
      all.push({ from, to, width: width * (1 - 0.09 * i) * (from.size + to.size) / 2, near: (from.near + to.near) / 2 });
    }
  }
  return all.sort((a, b) => a.near - b.near);
}

function stroke(context, { from, to, width }, grow) {
  context.lineWidth = width + grow;
  context.beginPath();
  context.moveTo(from.x, from.y);
  context.lineTo(to.x, to.y);
  context.stroke();
}

function drawPalm(context, view) {
  context.lineWidth = 0.25 * view.scale;
  context.beginPath();
  for (const corner of PALM) {
    const point = project(corner, view);
    context.lineTo(point.x, point.y);
  }
  context.closePath();
  context.stroke();
  context.fill();
}

function drawSolid(context, angles, view, colours) {
  context.strokeStyle = context.fillStyle = colours.palm;
  drawPalm(context, view);
  for (const segment of segments(angles, view)) {
    context.strokeStyle = colours.panel;
    stroke(context, segment, 0.03 * view.scale);
    const light = Math.max(0, Math.min(1, 0.3 + 0.8 * segment.near));
    context.strokeStyle = `color-mix(in srgb, ${colours.near} ${Math.round(100 * light)}%, ${colours.far})`;
    stroke(context, segment, 0);
  }
}

const layer = document.createElement("canvas");

function drawOutline(context, angles, view, colours) {
  layer.width = context.canvas.width;
  layer.height = context.canvas.height;
  const pen = layer.getContext("2d");
  pen.lineCap = "round";
  const line = Math.max(2, 0.022 * view.scale);
  pen.strokeStyle = colours.predicted;
  for (const segment of segments(angles, view)) stroke(pen, segment, 2 * line);
  pen.globalCompositeOperation = "destination-out";
  for (const segment of segments(angles, view)) stroke(pen, segment, 0);
  context.drawImage(layer, 0, 0);
}

// Glides from the shown angles to the newest angles, which arrive 12 times a second.
export function glide(from, to, seconds) {
  const share = 1 - Math.exp(-GLIDE_PER_S * seconds);
  return to.map((angle, i) => (from[i] ?? angle) + share * (angle - (from[i] ?? angle)));
}

// applied: filled; predicted: outline. Either is empty before the first angles.
export function drawHand(canvas, colours, applied, predicted) {
  const context = canvas.getContext("2d");
  const { width, height } = canvas;
  const view = { scale: Math.min(height / HEIGHT, width / WIDTH), x: width / 2, y: height / 2 };
  context.clearRect(0, 0, width, height);
  context.lineCap = context.lineJoin = "round";
  if (applied.length) drawSolid(context, applied, view, colours);
  if (predicted.length) drawOutline(context, predicted, view, colours);
}
