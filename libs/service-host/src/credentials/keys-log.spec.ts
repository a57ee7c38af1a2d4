import { keysLog, QUIET_START_MS } from './keys-log.js';

describe('the log of the issuer’s keys', () => {
  const said: string[] = [];
  const logger = {
    info: (message: string) => said.push(`info ${message}`),
    warn: (message: string) => said.push(`warn ${message}`),
  };
  const report = (ok: boolean, message: string) => ({ issuer: 'http://issuer.internal', ok, message });

  beforeEach(() => {
    jest.useFakeTimers();
    said.length = 0;
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('says nothing about keys that arrive within the first seconds', async () => {
    const log = keysLog(logger);
    log(report(false, 'refused'));
    await jest.advanceTimersByTimeAsync(QUIET_START_MS - 1);
    log(report(true, 'loaded again'));
    await jest.advanceTimersByTimeAsync(QUIET_START_MS);
    expect(said).toEqual([]);
  });

  it('warns of the last failure once the first seconds have passed, and then of each one immediately', async () => {
    const log = keysLog(logger);
    log(report(false, 'refused'));
    log(report(false, 'not found'));
    await jest.advanceTimersByTimeAsync(QUIET_START_MS);
    expect(said).toEqual(['warn not found']);
    log(report(true, 'loaded again'));
    log(report(false, 'refused'));
    expect(said).toEqual(['warn not found', 'info loaded again', 'warn refused']);
  });
});
