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

/**
 * What both forms of this package in one process must have in common, such as a `WeakMap` that one writes and the other reads.
 * @param name its own among all packages of ours
 * @param make by the form that asks first
 */
export function sharedByForms<Value extends object>(name: string, make: () => Value): Value {
  const key = Symbol.for(`countersign.shared.${name}`);
  const known: { [name: symbol]: Value | undefined } = globalThis;
  return (known[key] ??= make());
}
