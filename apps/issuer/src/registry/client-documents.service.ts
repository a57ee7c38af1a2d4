import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { BoundedMap } from '@countersign/auth-core';
import { CLOCK, LOGGER } from '@countersign/service-host';
import { pinnedLookup, refusalOfUrl, type TargetRule } from '@countersign/service-host/outgoing';
import { type Logger } from 'pino';
import { type Agent } from 'undici';
import { describedClient } from './client-document.js';
import { documentOriginOf } from './client-id.js';
import { type Client } from './client.js';
import { type RegisteredClient } from './registered-client.js';
import { Replica } from './replica.service.js';

/** Bytes of a document. */
const SIZE_LIMIT = 8 * 1_024;
const TIMEOUT_MS = 3_000;
/** Maximum documents held; the oldest is evicted. */
const HELD_LIMIT = 500;
/** Milliseconds for which a document is cached, and for which one that could not be fetched is not tried again. */
const HELD_MS = 300_000;
const FAILED_MS = 30_000;

/** Where documents may be fetched from: {@link TargetRule}. */
export const DOCUMENT_TARGETS = Symbol('countersign.issuer.document-targets');

interface Held {
  readonly document: Promise<unknown>;
  readonly until: number;
}

/**
 * Clients that describe themselves at their own URL (OAuth Client ID Metadata Document), if a declared policy allows their
 * origin; by default none does, and nothing is fetched. No redirects, a size and a time limit, one fetch at a time per URL, and connections
 * only to addresses that were checked, because the owner of a name can change its address (DNS rebinding).
 */
@Injectable()
export class ClientDocuments implements OnApplicationShutdown {
  #agent: Promise<Agent> | undefined;
  readonly #held = new BoundedMap<string, Held>(HELD_LIMIT);

  constructor(
    @Inject(Replica) private readonly replica: Replica,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(DOCUMENT_TARGETS) private readonly rule: TargetRule,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    await (await this.#agent)?.destroy();
  }

  /** Whether any policy allows such clients. */
  get allowed(): boolean {
    return this.replica.describing.length > 0;
  }

  /** The client with a name, registered or described, according to the current policy and document. */
  async find(clientId: string): Promise<RegisteredClient | undefined> {
    const registered = this.replica.client(clientId);
    if (registered !== undefined) return registered;
    const origin = documentOriginOf(clientId);
    const template = this.replica.describing.find(({ client }) => origin !== undefined && allows(client, origin));
    if (template === undefined || template.disabled) return undefined;
    const described = describedClient(await this.#documentOf(clientId), clientId, template.client);
    return described === undefined ? undefined : { ...template, client: described };
  }

  #documentOf(address: string): Promise<unknown> {
    const now = this.clock().getTime();
    const known = this.#held.get(address);
    if (known !== undefined && known.until > now) return known.document;
    const document = this.#fetch(address);
    this.#held.set(address, { document, until: now + HELD_MS });
    return document.then((content) => {
      if (content === undefined) this.#held.set(address, { document, until: now + FAILED_MS });
      return content;
    });
  }

  async #openAgent(): Promise<Agent> {
    // A hundred files that most issuers never need.
    const undici = await import('undici');
    return new undici.Agent({
      connect: { lookup: pinnedLookup(this.rule), timeout: TIMEOUT_MS },
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
      maxResponseSize: SIZE_LIMIT,
    });
  }

  /** @returns undefined if it cannot be fetched, or is not JSON */
  async #fetch(address: string): Promise<unknown> {
    try {
      const refusal = refusalOfUrl(address, this.rule);
      if (refusal !== undefined) throw new Error(refusal);
      const { origin, pathname: path } = new URL(address);
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const headers = { accept: 'application/json' };
      const agent = await (this.#agent ??= this.#openAgent());
      const answer = await agent.request({ origin, path, method: 'GET', headers, signal });
      const { 'content-type': type } = answer.headers;
      if (answer.statusCode !== 200 || !/^application\/(?:json|[\w.+-]+\+json)\b/i.test(String(type))) {
        await answer.body.dump({ limit: 0, signal }).catch(() => undefined);
        throw new Error(`answered ${String(answer.statusCode)} ${String(type)}`);
      }
      const content: unknown = await answer.body.json();
      return content;
    } catch (error) {
      this.logger.warn({ client_id: address, err: error }, 'the metadata document of a client cannot be read');
      return undefined;
    }
  }
}

function allows({ metadata_documents: documents }: Client, origin: string): boolean {
  return documents?.origins.includes(origin) === true;
}
