import { Problem } from '@countersign/service-host';

export const unknownApiKey = (): Problem => new Problem(404, 'API_KEY_UNKNOWN', 'There is no such API key.');

export const apiKeyEnded = (): Problem =>
  new Problem(409, 'API_KEY_ENDED', 'The API key is revoked or has expired; create a new one.');

export const apiKeyDisabled = (): Problem =>
  new Problem(409, 'API_KEY_DISABLED', 'The API key is disabled; enable it first, or revoke it and create a new one.');
