import { MemoryRevocationList } from '@countersign/auth-core';
import fc from 'fast-check';
import { signerOf, tokenOf } from './live-token.js';
import {
  refusedBy,
  refusedTokensOf,
  requestsOf,
  type PreviewGround,
  type PreviewQuery,
  type TakenAlong,
} from './revocation-preview.js';

const NOW = Date.parse('2026-11-26T12:00:00Z') / 1_000;
const at = (seconds: number): string => new Date((NOW + seconds) * 1_000).toISOString();

interface Issued {
  readonly subject?: string;
  readonly client?: string;
  readonly actors?: readonly string[];
  readonly jti?: string;
  readonly txn?: string;
  readonly key?: string;
  readonly audience?: string;
  readonly ago?: number;
  readonly left?: number;
}

const token = (issued: Issued) => {
  const { subject = 'shop', client = 'shop', actors = [], jti = 'j', txn = 't', key, audience = 'payments' } = issued;
  const { ago = 10, left = 290 } = issued;
  const principal = { subject, client_id: client, actors, scopes: ['s'], jti };
  const apiKey = key === undefined ? {} : { api_key: { id: key, name: 'n' } };
  const changes = { audience, expires_at: at(left) };
  const parsed = tokenOf(
    { time: at(-ago), data: { principal: { ...principal, ...apiKey }, txn, changes } },
    'https://i',
  );
  if (parsed === undefined) throw new Error('not a record of a token');
  return parsed;
};

const ground: PreviewGround = { now: NOW, keys: [], revoked: new MemoryRevocationList() };
const refused = (
  query: PreviewQuery,
  issued: readonly Issued[],
  change: Partial<PreviewGround> = {},
  along: TakenAlong = {},
) => refusedBy(requestsOf(query, along), issued.map(token), { ...ground, ...change }).map(({ tokenId }) => tokenId);

describe('a preview of a revocation', () => {
  it('counts what names a client or a subject: as client, as subject, or in the chain of actors', () => {
    const tokens = [
      { jti: 'own' },
      { jti: 'other', client: 'x', subject: 'x' },
      { jti: 'acted', client: 'accounts', subject: 'person:1', actors: ['payments', 'shop'] },
    ];
    expect(refused({ kind: 'client', name: 'shop' }, tokens)).toEqual(['own', 'acted']);
    expect(refused({ kind: 'subject', name: 'person:1' }, tokens)).toEqual(['acted']);
  });

  it("counts for a policy's client also the clients that describe themselves under it", () => {
    const chat = 'https://apps.example/chat.json';
    const tokens = [
      { jti: 'own' },
      { jti: 'under', client: chat, subject: 'person:1' },
      { jti: 'other', client: 'x', subject: 'x' },
    ];
    expect(refused({ kind: 'client', name: 'shop' }, tokens, {}, { clients: [chat] })).toEqual(['own', 'under']);
  });

  it('counts what was issued a moment after an earlier revocation, which says a later time (UUIDv7)', () => {
    const later = (NOW - 10 + 5) * 1_000;
    const hex = later.toString(16).padStart(12, '0');
    const jti = `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
    const revoked = new MemoryRevocationList();
    revoked.add({ kind: 'client', clientId: 'shop', issuedBefore: later / 1_000 - 0.001, until: NOW + 900 });
    const now = NOW - 9;
    expect(refused({ kind: 'client', name: 'shop' }, [{ jti }, { jti: 'before' }], { revoked, now })).toEqual([jti]);
  });

  it('counts one token, a transaction, and what an API key was exchanged for', () => {
    const key = '0190a000-0000-7000-8000-000000000001';
    const tokens = [
      { jti: 'a', txn: 'one' },
      { jti: 'b', txn: 'one' },
      { jti: 'c', txn: 'two', key },
    ];
    expect(refused({ kind: 'token', name: 'b' }, tokens)).toEqual(['b']);
    expect(refused({ kind: 'transaction', name: 'one' }, tokens)).toEqual(['a', 'b']);
    expect(refused({ kind: 'api-key', name: key }, tokens)).toEqual(['c']);
  });

  it('counts for a session what was allowed in it and has not ended', () => {
    const tokens = [
      { jti: 'a', txn: 'one' },
      { jti: 'b', txn: 'two' },
      { jti: 'c', txn: 'three' },
    ];
    const session = { kind: 'session', name: '0190a000-0000-7000-8000-000000000001' } as const;
    expect(refused(session, tokens, {}, { delegations: ['one', 'three'] })).toEqual(['a', 'c']);
    expect(refused(session, tokens)).toEqual([]);
  });

  it('leaves out what has expired, and what is refused already', () => {
    const revoked = new MemoryRevocationList();
    revoked.add({ kind: 'token', tokenId: 'gone', until: NOW + 900 });
    const tokens = [{ jti: 'live' }, { jti: 'over', left: 0 }, { jti: 'gone' }];
    expect(refused({ kind: 'client', name: 'shop' }, tokens, { revoked })).toEqual(['live']);
  });

  it('counts for a key what was signed while it was the newest signing key', () => {
    const keys = [
      { kid: 'next', activatedAt: null },
      { kid: 'now', activatedAt: new Date((NOW - 60) * 1_000) },
      { kid: 'before', activatedAt: new Date((NOW - 6_000) * 1_000) },
    ];
    expect(signerOf({ issuedAt: NOW - 60 }, keys)).toBe('now');
    expect(signerOf({ issuedAt: NOW - 61 }, keys)).toBe('before');
    expect(signerOf({ issuedAt: NOW - 7_000 }, keys)).toBe('');
    const tokens = [
      { jti: 'new', ago: 10 },
      { jti: 'old', ago: 120 },
    ];
    expect(refused({ kind: 'key', name: 'now' }, tokens, { keys })).toEqual(['new']);
    expect(refused({ kind: 'key', name: 'next' }, tokens, { keys })).toEqual([]);
  });

  it('adds up: every token that it counts is listed under one service, and the latest expiry is that of the last of them', () => {
    const some = fc.array(
      fc.record({ audience: fc.constantFrom('a', 'b', 'c'), left: fc.integer({ min: 1, max: 900 }) }),
    );
    fc.assert(
      fc.property(some, fc.boolean(), (issued, complete) => {
        const sum = refusedTokensOf(issued.map(token), complete);
        expect(sum.audiences.reduce((count, { live }) => count + live, 0)).toBe(issued.length);
        expect(sum.at_least).toBe(!complete);
        const last = issued.length === 0 ? null : at(Math.max(...issued.map(({ left }) => left)));
        expect(sum.last_expires_at).toBe(last);
      }),
    );
  });

  it('accepts only records of tokens as such', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(tokenOf(value, 'https://i')).toBeUndefined();
      }),
    );
  });
});
