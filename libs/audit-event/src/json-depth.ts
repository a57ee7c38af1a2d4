/** Maximum levels of objects and arrays in an event, counting the event itself: as many as in a leaf of the log. */
export const EVENT_DEPTH_LIMIT = 64;

const mark = /[[\]{}]|"(?:[^"\\]|\\.)*"/g;

/** How many levels of objects and arrays JSON text has. @param json well-formed */
export function depthOf(json: string): number {
  let depth = 0;
  let deepest = 0;
  for (const [found] of json.matchAll(mark)) {
    if (found === '{' || found === '[') deepest = Math.max(deepest, (depth += 1));
    else if (found === '}' || found === ']') depth -= 1;
  }
  return deepest;
}

/** Whether JSON text is nested deeper than an event may be. Text with few brackets is not examined closely. @param json well-formed */
export function isTooDeep(json: string): boolean {
  let brackets = 0;
  for (const bracket of ['{', '[']) {
    for (
      let at = json.indexOf(bracket);
      at !== -1 && brackets <= EVENT_DEPTH_LIMIT;
      at = json.indexOf(bracket, at + 1)
    ) {
      brackets += 1;
    }
  }
  return brackets > EVENT_DEPTH_LIMIT && depthOf(json) > EVENT_DEPTH_LIMIT;
}
