import { isUtf8 } from 'node:buffer';
import { oddText } from './json-body.js';
import { isPlainText } from './plain-text.js';
import { Problem } from '../problems/problem.js';

type Done = (error: Error | null, value?: unknown) => void;

/** @throws {URIError} for a `%` without two digits, and for anything that is not UTF-8 */
function decoded(text: string): string {
  return text.includes('%') || text.includes('+') ? decodeURIComponent(text.replaceAll('+', ' ')) : text;
}

function formOf(body: string): Readonly<Record<string, string>> {
  const form = new Map<string, string>();
  for (let start = 0, end = 0; start < body.length; start = end + 1) {
    end = body.indexOf('&', start);
    if (end === -1) end = body.length;
    if (end === start) continue;
    const equals = body.indexOf('=', start);
    const nameEnd = equals === -1 || equals > end ? end : equals;
    const name = decoded(body.slice(start, nameEnd));
    if (form.has(name)) {
      throw new Problem(400, 'PARAMETER_REPEATED', `The parameter ${JSON.stringify(name)} appears more than once.`);
    }
    const value = decoded(body.slice(Math.min(nameEnd + 1, end), end));
    if (!isPlainText(name) || !isPlainText(value)) throw oddText(JSON.stringify(name).slice(1, -1));
    form.set(name, value);
  }
  return Object.fromEntries(form);
}

function malformed(): Problem {
  return new Problem(400, 'FORM_MALFORMED', 'The form must be percent-encoded UTF-8.');
}

/** Parses `application/x-www-form-urlencoded` strictly; a parameter given twice is refused (RFC 6749, section 3.2). */
export function parseForm(body: string | Buffer, done: Done): void {
  let form: Readonly<Record<string, string>>;
  try {
    if (typeof body !== 'string' && !isUtf8(body)) throw malformed();
    form = formOf(body.toString());
  } catch (error) {
    if (error instanceof URIError) done(malformed());
    else done(error instanceof Error ? error : new Error(String(error)));
    return;
  }
  done(null, form);
}
