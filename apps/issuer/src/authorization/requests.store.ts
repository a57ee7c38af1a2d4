import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { uuidv7 } from '@countersign/audit-event';
import {
  Background,
  CLOCK,
  DATABASE,
  deleteInPortions,
  type Database,
  type Transaction,
} from '@countersign/service-host';
import { and, eq, gt, sql } from 'drizzle-orm';
import { REQUEST_URI } from '@countersign/auth-core';
import { authorizationRequestSchema, type AuthorizationRequest } from './authorization-request.js';
import { authorizationRequestTable as table } from './authorization.tables.js';
import { digestOfSecret, newOneTimeSecret } from './one-time-secret.js';

/** Seconds that a person may take to sign in and decide. */
const DECISION_SECONDS = 600;
/** Seconds in which a pushed request must reach a browser (RFC 9126, section 2.2). */
export const PUSHED_SECONDS = 90;

const PRUNE_EVERY_MS = 60_000;

/** A request that is kept. */
export interface KeptRequest {
  readonly id: string;
  /** The `request_uri`, known only to the application or the browser. */
  readonly uri: string;
  readonly request: AuthorizationRequest;
  readonly shownAt: Date;
}

/** Whether a `request_uri` is one of ours. */
export function isKeptUri(uri: string): boolean {
  return uri.startsWith(REQUEST_URI);
}

/** Requests that were pushed or are waiting for a person, in PostgreSQL, which all replicas share. */
@Injectable()
export class AuthorizationRequests implements OnModuleInit {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(Background) private readonly background: Background,
  ) {}

  /** Stores a request. @param pushed by the application itself; otherwise a browser sent it, and it waits for the person */
  async keep(
    executor: Database | Transaction,
    clientId: string,
    request: AuthorizationRequest,
    pushed: boolean,
  ): Promise<KeptRequest> {
    const now = this.clock();
    const secret = newOneTimeSecret();
    const id = uuidv7(now.getTime());
    await executor.insert(table).values({
      ...{ id, clientId, request, pushed },
      digest: digestOfSecret(secret),
      createdAt: now,
      shownAt: pushed ? null : now,
      expiresAt: new Date(now.getTime() + (pushed ? PUSHED_SECONDS : DECISION_SECONDS) * 1_000),
    });
    return { id, uri: REQUEST_URI + secret, request, shownAt: now };
  }

  /** The request of a `request_uri`, for a browser: the person's time to decide starts with the first call. */
  async show(uri: string, clientId: string): Promise<KeptRequest | undefined> {
    const now = this.clock();
    const until = new Date(now.getTime() + DECISION_SECONDS * 1_000);
    const digest = digestOfSecret(uri.slice(REQUEST_URI.length));
    const [row] = await this.database
      .update(table)
      .set({
        expiresAt: sql`case when ${table.shownAt} is null then ${until.toISOString()}::timestamptz else ${table.expiresAt} end`,
        shownAt: sql`coalesce(${table.shownAt}, ${now.toISOString()}::timestamptz)`,
      })
      .where(and(eq(table.digest, digest), eq(table.clientId, clientId), gt(table.expiresAt, now)))
      .returning();
    if (row === undefined) return undefined;
    return { id: row.id, uri, request: authorizationRequestSchema.parse(row.request), shownAt: row.shownAt ?? now };
  }

  /** Ends a request with its response: of several attempts, one succeeds. @returns whether this one did */
  async answer(transaction: Transaction, id: string): Promise<boolean> {
    const gone = await transaction.delete(table).where(eq(table.id, id)).returning({ id: table.id });
    return gone.length > 0;
  }

  onModuleInit(): void {
    this.background.repeat({
      name: 'authorization_requests',
      everyMs: PRUNE_EVERY_MS,
      run: async (signal) => {
        const now = this.clock();
        await deleteInPortions(this.database.$client, 'authorization_request', 'expires_at < $1', [now], signal);
        return undefined;
      },
    });
  }
}
