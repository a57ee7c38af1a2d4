import { Problem } from '@countersign/service-host';
import { changeRefusals } from './account-change.js';

/** The refusal for an account that does not exist, and to strangers for one that does. */
export function unknownAccount(): Problem {
  return new Problem(404, 'ACCOUNT_UNKNOWN', changeRefusals.ACCOUNT_UNKNOWN[1]);
}
