import { createSecretKey, randomFillSync } from 'node:crypto';
import { uuidv7 } from '@countersign/audit-event';
import fc from 'fast-check';
import { delegationIdSchema } from '../delegations/delegation.js';
import { isOwn, newSalts, parseRefreshToken, refreshKeyOf, refreshTokenOf } from './refresh-token.js';

const key = refreshKeyOf(createSecretKey(Buffer.alloc(32, 1)));
const id = delegationIdSchema.parse(uuidv7(1_800_000_000_000));

describe('a refresh token', () => {
  it('states its delegation and generation, and is reproducible', () => {
    const token = refreshTokenOf(id, 7, 'salt', key);
    const parsed = parseRefreshToken(token);
    expect(parsed).toMatchObject({ delegationId: id, generation: 7 });
    expect(parsed !== undefined && isOwn(parsed, 'salt', key)).toBe(true);
    expect(refreshTokenOf(id, 7, 'salt', key)).toBe(token);
  });

  it.each([
    ['another key', 'salt', refreshKeyOf(createSecretKey(Buffer.alloc(32, 2)))],
    ['another family', 'other', key],
  ])('is foreign under %s', (_what, salt, other) => {
    const parsed = parseRefreshToken(refreshTokenOf(id, 7, 'salt', key));
    expect(parsed !== undefined && isOwn(parsed, salt, other)).toBe(false);
  });

  it('of another generation or delegation, or changed anywhere, is foreign', () => {
    const token = refreshTokenOf(id, 7, 'salt', key);
    const characters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=';
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.constantFrom(...characters), (at, character) => {
        const changed = token.slice(0, at) + character + token.slice(at + 1);
        fc.pre(changed !== token);
        const parsed = parseRefreshToken(changed);
        expect(parsed !== undefined && isOwn(parsed, 'salt', key)).toBe(false);
      }),
    );
  });

  it('of any other form is refused', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(parseRefreshToken(text)).toBeUndefined();
      }),
    );
  });
});

describe('the salts of families', () => {
  it('are 256 random bits each, none twice, and leave nothing in memory', () => {
    const pages: Buffer[] = [];
    const next = newSalts((page) => {
      pages.push(page);
      randomFillSync(page);
    });
    const salts = Array.from({ length: 1_000 }, () => next());
    expect(new Set(salts).size).toBe(1_000);
    expect(salts.every((salt) => Buffer.from(salt, 'base64url').length === 32)).toBe(true);
    const kept = pages.map((page) => page.toString('latin1')).join();
    expect(salts.some((salt) => kept.includes(Buffer.from(salt, 'base64url').toString('latin1')))).toBe(false);
  });
});
