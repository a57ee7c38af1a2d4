/** All limits of the ledger, as maximums. docs/ledger.md repeats these values, and a test keeps the two in sync. */
import { EVENT_SIZE_LIMIT } from '@countersign/audit-event';

/** Legs of one transfer. */
export const LEGS_LIMIT = 32;
/** Characters of an account's name. */
export const NAME_LIMIT = 100;
/** Characters of an account's owner. */
export const OWNER_LIMIT = 255;
/** Characters of a transfer's reference. */
export const REFERENCE_LIMIT = 140;
/** Members of one metadata object. */
export const METADATA_MEMBERS_LIMIT = 16;
/** Characters of a metadata member's name. */
export const METADATA_NAME_LIMIT = 40;
/** Characters of a metadata member's value. */
export const METADATA_VALUE_LIMIT = 200;
/** Maximum bytes of JSON for a change of an account, before and after together; the rest of its audit event has 10 KiB. */
export const CHANGE_SIZE_LIMIT = EVENT_SIZE_LIMIT - 10 * 1024;
/** Seconds that a hold may last: 30 days. */
export const HOLD_SECONDS_LIMIT = 2_592_000;
/** Entries of one page of a statement. */
export const PAGE_LIMIT = 200;
/** Credits less debits of one account, in minor units, stay within this on either side, well within the range of a 64-bit integer. */
export const BALANCE_LIMIT = 4_000_000_000_000_000_000n;
/** Accounts named in an invariant's result, per kind of fault. */
export const FAULTS_SHOWN_LIMIT = 20;
/** Concurrent transfer transactions of one process; each holds a database connection. */
export const POSTING_LANES = 4;
/** Transfers that share one transaction. */
export const BATCH_LIMIT = 100;
/** Transfers waiting for the database, in one process; beyond that the response is 503 `LEDGER_BUSY`. */
export const QUEUE_LIMIT = 5_000;
/** Overdue holds read and ended in one step. */
export const EXPIRY_LIMIT = 500;
/** Seconds that one invariant's query may take. */
export const CHECK_SECONDS_LIMIT = 120;
