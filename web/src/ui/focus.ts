/** On a touch screen focus brings up a keyboard over half of the page: it is for the user to ask for. */
export function may_take_focus(): boolean {
  return !matchMedia("(pointer: coarse)").matches;
}
