import { generateSigningKey, type PrivateJwk } from '@countersign/auth-core';
import { contradictionsOf, variables } from './configuration.js';

describe('the keys of payments', () => {
  let key: PrivateJwk;
  beforeAll(async () => {
    key = await generateSigningKey();
  });
  const clientKey = (says: object) => variables.CLIENT_KEY.safeParse(JSON.stringify({ ...key, ...says }));
  const webhookKeys = (...says: object[]) =>
    variables.WEBHOOK_KEYS.safeParse(JSON.stringify({ keys: says.map((one) => ({ ...key, ...one })) }));

  it('are accepted when they are for signing', () => {
    for (const says of [{}, { key_ops: ['sign'] }])
      expect([clientKey(says).success, webhookKeys(says).success]).toEqual([true, true]);
  });

  it('are refused at startup when their use or key_ops say otherwise, including the webhooks’ older ones', () => {
    for (const says of [{ use: 'enc' }, { key_ops: ['verify'] }, { key_ops: 'sign' }])
      for (const read of [clientKey(says), webhookKeys(says), webhookKeys({}, says)])
        expect(read.error?.message).toMatch(/must be a signing key; its use or key_ops/);
  });
});

describe('the times of payments', () => {
  it('are refused at startup when a retry could take over a step that is still running', () => {
    const says = (lease: number) => contradictionsOf({ STEP_LEASE_MS: lease, ACCOUNTS_DEADLINE_MS: 15_000 });
    expect(says(15_001)).toEqual([]);
    expect(says(15_000)).toEqual([
      'STEP_LEASE_MS: must be more than ACCOUNTS_DEADLINE_MS (15000), or a retry takes over a step that is still running',
    ]);
  });
});
