import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { Background, CLOCK, DATABASE, groupedLookUp, type Database, type Transaction } from '@countersign/service-host';
import { and, eq, gt, isNull, sql } from 'drizzle-orm';
import { authorizationCodeTable as table } from './authorization.tables.js';
import { allowedSchema, type Code, type KeptCode } from './code.js';

const PRUNE_EVERY_MS = 60_000;
const PRUNE_AT_ONCE = 1_000;
/** Milliseconds for which a code is kept after its end, so that a second use is known as one. */
const KEPT_MS = 86_400_000;

const byDigest = (database: Database) =>
  database
    .select()
    .from(table)
    .where(sql`${table.digest} = any (${sql.placeholder('digests')}::text[])`)
    .prepare('codes_by_digest');

/** The condition that a code may still be redeemed. */
const unused = (now: Date) => and(isNull(table.redeemedAt), isNull(table.withdrawnAt), gt(table.expiresAt, now));

function codeOf(row: typeof table.$inferSelect): KeptCode {
  const { digest, clientId, redirectUri, codeChallenge, dpopKey, allowed, expiresAt, redeemedAt, withdrawnAt } = row;
  return {
    ...{ digest, clientId, redirectUri, codeChallenge, expiresAt },
    dpopKey: dpopKey ?? undefined,
    allowed: allowedSchema.parse(allowed),
    redeemedAt: redeemedAt ?? undefined,
    withdrawnAt: withdrawnAt ?? undefined,
  };
}

/** Authorization codes in PostgreSQL, which all replicas share; of each only its digest. */
@Injectable()
export class CodesStore implements OnModuleInit {
  readonly #byDigest: ReturnType<typeof byDigest>;

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(Background) private readonly background: Background,
  ) {
    this.#byDigest = byDigest(database);
  }

  async add(transaction: Transaction, code: Code): Promise<void> {
    await transaction.insert(table).values(code);
  }

  /** Concurrent calls share one statement. */
  readonly find = groupedLookUp(async (digests: readonly string[]): Promise<ReadonlyMap<string, KeptCode>> => {
    const rows = await this.#byDigest.execute({ digests });
    return new Map(rows.map((row) => [row.digest, codeOf(row)]));
  });

  /**
   * Takes back what was allowed and not redeemed yet. One that is redeemed at this moment is waited for: its delegation is there afterwards, so end
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
      .where(and(unused(now), eq(table.clientId, clientId), ofPerson));
  }

  onModuleInit(): void {
    this.background.repeat({
      name: 'authorization_codes',
      everyMs: PRUNE_EVERY_MS,
      run: async () => {
        const before = new Date(this.clock().getTime() - KEPT_MS).toISOString();
        const { rowCount } = await this.database.execute(sql`
          delete from authorization_code where digest in (
            select digest from authorization_code where expires_at < ${before}::timestamptz limit ${PRUNE_AT_ONCE}
          )`);
        return rowCount === PRUNE_AT_ONCE ? 'again' : undefined;
      },
    });
  }
}
