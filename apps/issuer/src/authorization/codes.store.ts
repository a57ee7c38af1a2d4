import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import {
  Background,
  CLOCK,
  DATABASE,
  deleteInPortions,
  groupedLookUp,
  millisecondsOf,
  POOL,
  timeOfMilliseconds,
  type Database,
  type Transaction,
} from '@countersign/service-host';
import { and, eq, gt, isNull, sql } from 'drizzle-orm';
import type pg from 'pg';
import { authorizationCodeTable as table } from './authorization.tables.js';
import { slowestClock } from '../registry/clocks.js';
import { allowedSchema, type Code, type KeptCode } from './code.js';

const PRUNE_EVERY_MS = 60_000;
/** Milliseconds for which a code is kept after its expiry, so that a second use is recognised. */
const KEPT_MS = 86_400_000;

/** A code as read for the token endpoint: raw rows, which are far cheaper than mapped ones. Times in milliseconds. */
interface CodeRow {
  readonly digest: string;
  readonly client_id: string;
  readonly redirect_uri: string;
  readonly code_challenge: string;
  readonly dpop_key: string | null;
  readonly allowed: unknown;
  readonly expires: number;
  readonly redeemed: number | null;
  readonly withdrawn: number | null;
}

const byDigest = {
  name: 'codes-by-digest',
  text: `
    select digest, client_id, redirect_uri, code_challenge, dpop_key, allowed, ${millisecondsOf('expires_at')} as expires,
      ${millisecondsOf('redeemed_at')} as redeemed, ${millisecondsOf('withdrawn_at')} as withdrawn
    from authorization_code where digest = any ($1::text[])`,
};

/** The condition that a code may still be redeemed, even at a replica whose clock is behind. */
const redeemable = (now: Date) =>
  and(isNull(table.redeemedAt), isNull(table.withdrawnAt), gt(table.expiresAt, slowestClock(now)));

function codeOf(row: CodeRow): KeptCode {
  return {
    digest: row.digest,
    clientId: row.client_id,
    redirectUri: row.redirect_uri,
    codeChallenge: row.code_challenge,
    dpopKey: row.dpop_key ?? undefined,
    allowed: allowedSchema.parse(row.allowed),
    expiresAt: new Date(row.expires),
    redeemedAt: timeOfMilliseconds(row.redeemed),
    withdrawnAt: timeOfMilliseconds(row.withdrawn),
  };
}

/** Authorization codes in PostgreSQL, which all replicas share; only their digests are stored. */
@Injectable()
export class CodesStore implements OnModuleInit {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(POOL) private readonly pool: pg.Pool,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(Background) private readonly background: Background,
  ) {}

  async add(transaction: Transaction, code: Code): Promise<void> {
    await transaction.insert(table).values(code);
  }

  /** Concurrent calls share one statement. */
  readonly find = groupedLookUp(async (digests: readonly string[]): Promise<ReadonlyMap<string, KeptCode>> => {
    const { rows } = await this.pool.query<CodeRow>({ ...byDigest, values: [digests] });
    return new Map(rows.map((row) => [row.digest, codeOf(row)]));
  });

  /**
   * Withdraws what was allowed but not redeemed yet. It waits for one that is being redeemed at this moment: its delegation exists afterwards, so end
   * delegations after this.
   */
  async withdraw(
    transaction: Transaction,
    { personId, clientId }: { readonly personId?: string; readonly clientId: string },
  ): Promise<void> {
    const now = this.clock();
    const ofPerson = personId === undefined ? undefined : sql`${table.allowed}->>'personId' = ${personId}`;
    await transaction
      .update(table)
      .set({ withdrawnAt: now })
      .where(and(redeemable(now), eq(table.clientId, clientId), ofPerson));
  }

  onModuleInit(): void {
    this.background.repeat({
      name: 'authorization_codes',
      everyMs: PRUNE_EVERY_MS,
      run: async (signal) => {
        const before = new Date(this.clock().getTime() - KEPT_MS);
        await deleteInPortions(this.database.$client, 'authorization_code', 'expires_at < $1', [before], signal);
        return undefined;
      },
    });
  }
}
