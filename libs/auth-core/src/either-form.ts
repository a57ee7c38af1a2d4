/**
 * `instanceof` for a class of which a process may have two: this package exists as ES modules and as CommonJS, and both may have been loaded.
 * @param one the class that is asked, which may be a subclass
 * @param base the class whose prototype has the mark
 * @param mark a registered symbol, the same for both
 */
export function isInstance(value: unknown, one: unknown, base: unknown, mark: symbol): boolean {
  if (one === base) return typeof value === 'object' && value !== null && mark in value;
  return typeof one === 'function' && Function.prototype[Symbol.hasInstance].call(one, value);
}
