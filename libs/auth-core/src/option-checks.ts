import { algorithmOf } from './keys/algorithm.js';

/** Settings come from the environment and from plain JavaScript, where no type prevents them from being missing, or text instead of a number. */
const shown = (value: unknown): string => JSON.stringify(value) ?? String(value);

/** @throws {TypeError} naming the option, for anything but an http(s) URL */
export function checkUrl(name: string, value: unknown): void {
  const url = typeof value === 'string' && value.trim() === value && URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new TypeError(`${name} must be an http or https URL, not ${shown(value)}`);
}

/** @throws {TypeError} naming the option, for anything but non-empty text */
export function checkText(name: string, value: unknown): void {
  if (typeof value !== 'string' || value === '') throw new TypeError(`${name} must be a string, not ${shown(value)}`);
}

/** @throws {RangeError} naming the option, for anything but a number of at least `least`; an omitted option passes */
export function checkNumber(name: string, value: unknown, least = 0): void {
  if (value !== undefined && !(typeof value === 'number' && value >= least))
    throw new RangeError(`${name} must be a number of at least ${String(least)}, not ${shown(value)}`);
}

/** @throws {RangeError} for a list of algorithms that is empty, or has one that no verifier accepts; an omitted option passes */
export function checkAlgorithms(value: unknown): void {
  if (value === undefined) return;
  if (!Array.isArray(value) || value.length === 0 || value.some((name) => algorithmOf(name) !== name))
    throw new RangeError(`algorithms must be a list of known algorithms such as ES256, not ${shown(value)}`);
}
