import { Problem } from '@countersign/service-host';
import { changeRefusals } from './account-change.js';

/** What is said of an account that is not there, and to strangers of one that is. */
export function unknownAccount(): Problem {
  return new Problem(404, 'ACCOUNT_UNKNOWN', changeRefusals.ACCOUNT_UNKNOWN[1]);
}
