import { randomBytes } from 'node:crypto';
import { maskText } from './masked-text.js';
import { SALT_SIZE } from './masking.js';

const salt = (): Buffer => randomBytes(SALT_SIZE);
const policy = [
  ['request', 'peer'],
  ['changes', 'email'],
] as const;
const id = '01a218c0-12c8-7e3c-89c5-df0017add015';

describe('masking what no trail could take', () => {
  it('puts commitments in the policy’s fields, and reports whose data it is', () => {
    const data = {
      principal: { subject: 'ada' },
      request: { peer: '192.0.2.7' },
      changes: { email: 'ada@example.org', n: 1 },
    };
    const { shown, ...rest } = maskText(JSON.stringify({ id, extra: true, data }), policy, salt);
    expect(rest).toEqual({ masked: true, subject: 'ada', eventId: id });
    expect(shown).not.toMatch(/192\.0\.2\.7|example\.org/);
    expect(JSON.parse(shown)).toMatchObject({
      id,
      extra: true,
      data: { principal: { subject: 'ada' }, changes: { n: 1 } },
    });
  });

  it('also masks a field in the members of a list', () => {
    const text = JSON.stringify({ data: { changes: { holders: [{ email: 'ada@example.org' }] } } });
    const { shown, masked } = maskText(text, [['changes', 'holders', 'email']], salt);
    expect([masked, shown]).toEqual([true, expect.not.stringContaining('ada@example.org')]);
  });

  it('shows nothing of a text whose fields cannot be located', () => {
    for (const text of ['{"data":{"request":{"peer":"192.0.2.7"', '["192.0.2.7"]', '192.0.2.7']) {
      const { shown, masked } = maskText(text, policy, salt);
      expect([masked, shown]).toEqual([true, expect.stringMatching(/^masked:[\w-]{43}$/)]);
    }
  });

  it('leaves a text unchanged if the policy does not cover it', () => {
    const texts = ['{"data":{"request":{"route":"/x"}}}', '{}'];
    for (const text of texts) expect(maskText(text, policy, salt)).toMatchObject({ shown: text, masked: false });
    expect(maskText('no json', [], salt)).toMatchObject({ shown: 'no json', masked: false });
  });
});
