import { createHmac, createSecretKey, hkdfSync, randomFillSync, timingSafeEqual, type KeyObject } from 'node:crypto';
import { delegationIdSchema, type DelegationId } from '../delegations/delegation.js';

/** A parsed refresh token, not verified yet. */
export interface PresentedRefreshToken {
  readonly delegationId: DelegationId;
  readonly generation: number;
  readonly mac: Buffer;
}

/** Lets scanners of sources and logs recognise one. */
const PREFIX = 'csr_';
const ID_BYTES = 16;
const MAC_BYTES = 32;
const pattern = /^csr_[\w-]{70}$/;

/** The key of refresh tokens, from the issuer's secret that all replicas share. */
export function refreshKeyOf(secret: KeyObject): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', 'countersign refresh tokens', 32)));
}

const SALT_BYTES = 32;
const SALTS_AT_ONCE = 128;

/**
 * Creates salts of 256 random bits. Many are fetched from the system at a time, since one costs as much; used ones are erased.
 * @param fill fills with random bytes
 */
export function newSalts(fill: (page: Buffer) => unknown = randomFillSync): () => string {
  const page = Buffer.alloc(SALTS_AT_ONCE * SALT_BYTES);
  let used = page.length;
  return () => {
    if (used === page.length) {
      fill(page);
      used = 0;
    }
    const bytes = page.subarray(used, (used += SALT_BYTES));
    const salt = bytes.toString('base64url');
    bytes.fill(0);
    return salt;
  };
}

function macOf(head: Buffer, salt: string, key: KeyObject): Buffer {
  return createHmac('sha256', key).update(head).update(salt).digest();
}

function headOf(delegationId: DelegationId, generation: number): Buffer {
  const head = Buffer.alloc(ID_BYTES + 4);
  head.write(delegationId.replaceAll('-', ''), 'hex');
  head.writeUInt32BE(generation, ID_BYTES);
  return head;
}

/**
 * A refresh token: opaque to its client, 256 bits that nobody can guess. It is a keyed digest of what it stands for, so it is not stored, and
 * the successor of a used token can be computed again.
 * @param salt the family's own 256 random bits: a token cannot be created with only the key or only the database
 */
export function refreshTokenOf(delegationId: DelegationId, generation: number, salt: string, key: KeyObject): string {
  const head = headOf(delegationId, generation);
  return `${PREFIX}${Buffer.concat([head, macOf(head, salt, key)]).toString('base64url')}`;
}

/** @returns undefined if it does not have the form of a refresh token */
export function parseRefreshToken(token: string): PresentedRefreshToken | undefined {
  if (!pattern.test(token)) return undefined;
  const bytes = Buffer.from(token.slice(PREFIX.length), 'base64url');
  if (`${PREFIX}${bytes.toString('base64url')}` !== token) return undefined;
  const hex = bytes.toString('hex', 0, ID_BYTES);
  const id = delegationIdSchema.safeParse(hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'));
  if (!id.success) return undefined;
  return { delegationId: id.data, generation: bytes.readUInt32BE(ID_BYTES), mac: bytes.subarray(-MAC_BYTES) };
}

/** Whether this issuer created the token, in constant time. */
export function isOwn({ delegationId, generation, mac }: PresentedRefreshToken, salt: string, key: KeyObject): boolean {
  return timingSafeEqual(mac, macOf(headOf(delegationId, generation), salt, key));
}
