import { Inject, Injectable } from '@nestjs/common';
import { DATABASE, type Database, type Transaction } from '@countersign/service-host';
import { eq, notInArray } from 'drizzle-orm';
import { audiencesSchema, type Audiences, type AudienceWords } from './audience-words.js';
import { audienceWordsTable as table } from './clients.tables.js';

/** The texts for services and scopes, in the database, so that every replica shows the same. */
@Injectable()
export class AudienceWordsStore {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  async find(audience: string): Promise<AudienceWords | undefined> {
    const [row] = await this.database.select().from(table).where(eq(table.audience, audience));
    return row === undefined ? undefined : audiencesSchema.parse({ [audience]: row.words })[audience];
  }

  async all(executor: Database | Transaction = this.database): Promise<Audiences> {
    const rows = await executor.select().from(table);
    return audiencesSchema.parse(Object.fromEntries(rows.map(({ audience, words }) => [audience, words])));
  }

  /** Replaces all texts. */
  async replace(transaction: Transaction, audiences: Audiences, now: Date): Promise<void> {
    await transaction.delete(table).where(notInArray(table.audience, Object.keys(audiences)));
    for (const [audience, words] of Object.entries(audiences)) {
      const values = { words, updatedAt: now };
      const conflict = { target: table.audience, set: values };
      await transaction
        .insert(table)
        .values({ audience, ...values })
        .onConflictDoUpdate(conflict);
    }
  }
}
