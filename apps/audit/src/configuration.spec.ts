import { contradictionsOf } from './configuration.js';

describe('the configuration of audit', () => {
  it('is refused at start when events shall leave the database and have nowhere to go', () => {
    const says = (RETENTION_DAYS?: number, RETENTION_DIRECTORY?: string) =>
      contradictionsOf({ RETENTION_DAYS, RETENTION_DIRECTORY });
    expect([says(), says(30, '/segments'), says(undefined, '/segments')]).toEqual([[], [], []]);
    expect(says(30)).toEqual([
      'RETENTION_DIRECTORY must be set when RETENTION_DAYS is, or nothing leaves the database',
    ]);
  });
});
