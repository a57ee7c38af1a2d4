import { isUtf8 } from 'node:buffer';
import { pathOfOddText, TEXT_RULE } from './plain-text.js';
import { Problem } from '../problems/problem.js';

/** Maximum nesting of a JSON body: with what an audit event puts around it, it still fits the log. */
export const JSON_DEPTH_LIMIT = 32;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** Only such a body can contain text that is not plain: JSON has no other way to write it. */
const mayHoldOddText = /\\[bfnrtu]|[\u007f-\u009f]/;

function endOfString(json: string, start: number): number {
  let at = start + 1;
  for (;;) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) return at;
    at += code === BACKSLASH ? 2 : 1;
  }
}

const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;

function nameOf(quoted: string): string {
  const name: unknown = quoted.includes('\\') ? JSON.parse(quoted) : quoted.slice(1, -1);
  return String(name);
}

/**
 * Scans well-formed JSON once. `JSON.parse` uses the last of two members with the same name, another parser the first, so that two
 * services would see two requests (RFC 8259, section 4).
 * @throws {Problem} for a repeated member, one called `__proto__`, or nesting that is too deep
 */
function checkStructure(json: string): void {
  // One set of names for each open object, undefined for an array.
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < json.length; at += 1) {
    const character = json[at];
    if (character === '{' || character === '[') {
      open.push(character === '{' ? new Set() : undefined);
      if (open.length > JSON_DEPTH_LIMIT) {
        const limit = String(JSON_DEPTH_LIMIT);
        throw new Problem(400, 'BODY_TOO_DEEP', `The body is nested more than ${limit} levels deep.`);
      }
    } else if (character === '}' || character === ']') open.pop();
    else if (character === '"') {
      const start = at;
      at = endOfString(json, start);
      let next = at + 1;
      while (isSpace(json.charCodeAt(next))) next += 1;
      if (json[next] === ':') addName(open.at(-1), nameOf(json.slice(start, at + 1)));
    }
  }
}

function addName(names: Set<string> | undefined, name: string): void {
  if (names?.has(name) === true) {
    throw new Problem(
      400,
      'MEMBER_REPEATED',
      `The member ${JSON.stringify(name)} appears more than once in one object.`,
    );
  }
  if (name === '__proto__') throw new Problem(400, 'REQUEST_INVALID', 'A member must not be called __proto__.');
  names?.add(name);
}

/**
 * Parses a JSON body strictly (RFC 8259, section 8.1; RFC 7493): UTF-8, no member twice, bounded depth, only plain text.
 * @returns undefined for an empty body, which is the same as none: a route that needs one reports what is missing
 * @throws {Problem} 400 `BODY_NOT_UTF8`, `BODY_NOT_JSON`, `BODY_TOO_DEEP`, `MEMBER_REPEATED`, `REQUEST_INVALID`
 */
export function parseJsonBody(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  if (!isUtf8(body)) throw new Problem(400, 'BODY_NOT_UTF8', 'The body must be encoded in UTF-8.');
  const json = body.toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new Problem(400, 'BODY_NOT_JSON', 'The body is not valid JSON.');
  }
  checkStructure(json);
  const odd = mayHoldOddText.test(json) ? pathOfOddText(value) : undefined;
  if (odd !== undefined) throw oddText(odd);
  return value;
}

/** The refusal of text that is not plain. @param path of the text */
export function oddText(path: string): Problem {
  const errors = [{ path, message: TEXT_RULE }];
  return new Problem(400, 'REQUEST_INVALID', `A string in the request ${TEXT_RULE}.`, { errors });
}
