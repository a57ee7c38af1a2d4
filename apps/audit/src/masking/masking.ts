import { createHash, timingSafeEqual } from 'node:crypto';
import { type AuditEvent } from '@countersign/audit-event';
import { leafOf, LEAF_SIZE_LIMIT } from '@countersign/merkle-log';

/** Bytes of a salt: enough to prevent guessing a short value from its commitment. */
export const SALT_SIZE = 16;
const PREFIX = 'masked:';

/** A field below an event's `data`: `request.peer`, `changes.email`, `changes.holder.name`. */
export type MaskedPath = readonly [string, ...string[]];

/** The original value of an event's field whose leaf has a commitment. */
export interface MaskedValue {
  readonly path: string;
  readonly value: unknown;
  readonly salt: Buffer;
}

const pathPattern = /^(request\.peer|changes(\.[A-Za-z0-9_-]{1,64}){1,6})$/;

/** Parses `request.peer,changes.email`. @returns undefined if the list names something that cannot be masked */
export function parseMaskedPaths(text: string): readonly MaskedPath[] | undefined {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const paths = names.flatMap((name): MaskedPath[] => {
    const [first, ...rest] = name.split('.');
    return pathPattern.test(name) && first !== undefined ? [[first, ...rest]] : [];
  });
  return paths.length === names.length ? paths : undefined;
}

function commitmentTo(canonical: string, salt: Buffer): string {
  return `${PREFIX}${createHash('sha256').update(salt).update(canonical).digest('base64url')}`;
}

/** The commitment to a value: SHA-256 over the salt and the value's canonical JSON (RFC 8785). */
export function commitmentOf(value: unknown, salt: Buffer): string {
  return commitmentTo(leafOf(value).json, salt);
}

/** The commitment to a text of any length. @param text well-formed */
export function commitmentOfText(text: string, salt: Buffer): string {
  return commitmentTo(JSON.stringify(text), salt);
}

/** Whether a commitment was made from this value and salt. */
export function opens(commitment: string, { value, salt }: Pick<MaskedValue, 'value' | 'salt'>): boolean {
  const expected = Buffer.from(commitmentOf(value, salt));
  const given = Buffer.from(commitment);
  return expected.length === given.length && timingSafeEqual(expected, given);
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether a list has the field in one of its members, or in a list within it. */
function hasAt(list: readonly unknown[], path: MaskedPath): boolean {
  return list.some((member) =>
    Array.isArray(member) ? hasAt(member, path) : isObject(member) && replaceAt(member, path, () => '') !== undefined,
  );
}

/**
 * @param replacement for a value, and how many names of the path lead to it: a list with the field in its members is replaced as a whole
 * @returns the object with the value at the path replaced by the result for the old one; undefined when there is no such field
 */
export function replaceAt(
  object: Readonly<Record<string, unknown>>,
  [name, next, ...rest]: MaskedPath,
  replacement: (value: unknown, depth: number) => string,
  depth = 1,
): Record<string, unknown> | undefined {
  if (!Object.hasOwn(object, name)) return undefined;
  const value = object[name];
  if (next === undefined) return value === null ? undefined : { ...object, [name]: replacement(value, depth) };
  if (Array.isArray(value))
    return hasAt(value, [next, ...rest]) ? { ...object, [name]: replacement(value, depth) } : undefined;
  const inner = isObject(value) ? replaceAt(value, [next, ...rest], replacement, depth + 1) : undefined;
  return inner === undefined ? undefined : { ...object, [name]: inner };
}

/**
 * Replaces each field of the policy by a salted commitment, before the event becomes a leaf.
 * @param newSalt `SALT_SIZE` random bytes
 * @returns the event for the log, and the masked values, to store separately
 */
export function mask(
  event: AuditEvent,
  policy: readonly MaskedPath[],
  newSalt: () => Buffer,
): { readonly event: AuditEvent; readonly masked: readonly MaskedValue[] } {
  const masked: MaskedValue[] = [];
  let { request, changes } = event.data;
  for (const path of policy) {
    const [root, first, ...rest] = path;
    const replacement = (value: unknown, depth: number): string => {
      const name = [root, ...path.slice(1, depth + 1)].join('.');
      // The policy names it twice, or names a list and a field of its members: it is a commitment already.
      if (typeof value === 'string' && masked.some((one) => one.path === name)) return value;
      const salt = newSalt();
      masked.push({ path: name, value, salt });
      return commitmentOf(value, salt);
    };
    if (root === 'request' && request !== undefined) request = { ...request, peer: replacement(request.peer, 1) };
    if (root === 'changes' && first !== undefined && changes !== undefined) {
      changes = replaceAt(changes, [first, ...rest], replacement) ?? changes;
    }
  }
  if (masked.length === 0) return { event, masked };
  const shown = withData(event, request, changes);
  if (event.data.changes === undefined || Buffer.byteLength(JSON.stringify(shown)) <= LEAF_SIZE_LIMIT) {
    return { event: shown, masked };
  }
  // Commitments instead of many short values can make a leaf too large: then one commitment replaces all changes.
  const salt = newSalt();
  const whole = { path: 'changes', value: event.data.changes, salt };
  const kept = masked.filter(({ path }) => !path.startsWith('changes.'));
  return { event: withData(event, request, { all: commitmentOf(whole.value, salt) }), masked: [...kept, whole] };
}

/**
 * Masks an event as it was masked before.
 * @param salts base64url, by path; `changes` for the whole of them
 */
export function maskAgain(
  event: AuditEvent,
  salts: Readonly<Record<string, string>>,
): { readonly event: AuditEvent; readonly masked: readonly MaskedValue[] } {
  const saltOf = (path: string): Buffer | undefined =>
    salts[path] === undefined ? undefined : Buffer.from(salts[path], 'base64url');
  const whole = saltOf('changes');
  const paths =
    parseMaskedPaths(
      Object.keys(salts)
        .filter((path) => path !== 'changes')
        .join(','),
    ) ?? [];
  let at = 0;
  const inOrder = paths.map((path) => saltOf(path.join('.')) ?? Buffer.alloc(0));
  const { event: shown, masked } = mask(event, paths, () => inOrder[at++] ?? Buffer.alloc(0));
  if (whole === undefined || event.data.changes === undefined) return { event: shown, masked };
  const all = { path: 'changes', value: event.data.changes, salt: whole };
  return {
    event: withData(event, shown.data.request, { all: commitmentOf(all.value, whole) }),
    masked: [...masked, all],
  };
}

function withData(
  event: AuditEvent,
  request: AuditEvent['data']['request'],
  changes: AuditEvent['data']['changes'],
): AuditEvent {
  const data = {
    ...event.data,
    ...(request === undefined ? {} : { request }),
    ...(changes === undefined ? {} : { changes }),
  };
  return { ...event, data };
}
