import { contradictionsOf } from './configuration.js';

const clientKey = { kty: 'EC', kid: 'k', alg: 'ES256', d: 'd' };

describe('the configuration of audit', () => {
  it('is refused at startup when events should leave the database but have nowhere to go', () => {
    const says = (RETENTION_DAYS?: number, RETENTION_DIRECTORY?: string) =>
      contradictionsOf({ RETENTION_DAYS, RETENTION_DIRECTORY });
    expect([says(), says(30, '/segments'), says(undefined, '/segments')]).toEqual([[], [], []]);
    expect(says(30)).toEqual(['RETENTION_DIRECTORY must be set if RETENTION_DAYS is; without it no events are moved']);
  });

  it('is refused at startup with everything that a console lacks, together with the rest', () => {
    const whole = {
      CONSOLE_URL: 'https://audit.test',
      CONSOLE_CLIENT_KEY: clientKey,
      CONSOLE_SESSION_KEY: Buffer.alloc(32),
    };
    expect(contradictionsOf({ ...whole, CONSOLE_CLIENT_ID: 'console' })).toEqual([]);
    expect(contradictionsOf({})).toEqual([]);
    expect(
      contradictionsOf({ RETENTION_DAYS: 30, CONSOLE_CLIENT_ID: 'console', CONSOLE_URL: whole.CONSOLE_URL }),
    ).toEqual([
      'RETENTION_DIRECTORY must be set if RETENTION_DAYS is; without it no events are moved',
      'CONSOLE_CLIENT_KEY must be set when CONSOLE_CLIENT_ID is',
      'CONSOLE_SESSION_KEY must be set when CONSOLE_CLIENT_ID is',
    ]);
  });
});
