// Which page has control of the hand: this page, another page, or nobody.

import { $, write } from "./dom.js";
import { randomHex } from "./pairing.js";

const page = randomHex(8); // this page's own number, by which the view knows it again after a lost connection
let holder = null, send = () => false;

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

// `through` sends a message and returns whether it could; `allowed`: this view passes orders on. Each connection begins with
// the number of the page, so that a page that gets control by an order keeps control when it comes back.
export function connectControl(through, allowed) {
  send = through;
  if (allowed) wish("back");
}

function wish(what) {
  send({ control: what, page });
}

// message: who has control now. It also says what follows for the hand.
export function showHolder(message) {
  holder = message;
  $("control").hidden = false;
  const { name, you, asker, lost_s: lostS } = message;
  const promise = `the hand is disarmed when this page has been without connection for ${lostS} s`;
  let text = `Nobody has control. ARM takes it; from then on, ${promise}.`;
  if (you) text = `This page has control: ${promise}. Give up control before you put the phone away.`;
  else if (name) text = `${capital(name)} has control. DISARM and ESTOP work here, too.`;
  if (you && asker) text = `${capital(asker)} asks for control. ${text}`;
  write($("control-text"), text);
  write($("control-give"), you && asker ? `Give control to ${asker}` : "Give up control");
  $("control-give").hidden = !you;
  $("control-take").hidden = $("control-ask").hidden = you || !name;
  $("control-text").classList.toggle("asked", Boolean(you && asker));
}

$("control-give").onclick = () => wish("give");
$("control-take").onclick = () => wish("take");
$("control-ask").onclick = () => wish("ask");
