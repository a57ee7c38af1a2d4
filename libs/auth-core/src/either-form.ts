/**
 * `instanceof` for a class that a process may have twice: this package exists as ES modules and as CommonJS, and both may be loaded.
 * @param one the class to test, possibly a subclass
 * @param base the class whose prototype carries the mark
 * @param mark a registered symbol, the same for both
 */
export function isInstance(value: unknown, one: unknown, base: unknown, mark: symbol): boolean {
  if (one === base) return typeof value === 'object' && value !== null && mark in value;
  return typeof one === 'function' && Function.prototype[Symbol.hasInstance].call(one, value);
}

/**
 * State that both forms of this package in one process must share, such as a `WeakMap` that one writes and the other reads.
 * @param name unique among our packages
 * @param make called by the form that asks first
 */
export function sharedByForms<Value extends object>(name: string, make: () => Value): Value {
  const key = Symbol.for(`countersign.shared.${name}`);
  const known: { [name: symbol]: Value | undefined } = globalThis;
  return (known[key] ??= make());
}
