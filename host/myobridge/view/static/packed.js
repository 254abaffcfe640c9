// Numbers that the server has packed into text (base64).

export const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
export const words = (text) => new Uint16Array(bytes(text).buffer); // little-endian, as every device with a browser is
