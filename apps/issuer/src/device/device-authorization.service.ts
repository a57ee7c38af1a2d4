import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { uuidv7 } from '@countersign/audit-event';
import { DEVICE_CODE } from '@countersign/auth-core';
import {
  AUDIT_OUTBOX,
  CLOCK,
  DATABASE,
  networkOf,
  OAuthError,
  type Database,
  type RequestTrace,
} from '@countersign/service-host';
import { byClient } from '../authentication/by-client.js';
import { clientCredentialsOf } from '../authentication/client-credentials.js';
import { parseForm, type Form } from '../authentication/oauth-form.js';
import { RecordedAuthentication } from '../authentication/recorded-authentication.service.js';
import { tokenRequestOf } from '../authentication/token-request.js';
import { digestOfSecret, newOneTimeSecret } from '../authorization/one-time-secret.js';
import { recordedRights } from '../consent/asked-rights.js';
import { events } from '../events.js';
import { ISSUER_URL } from '../issuer-url.js';
import { mayUseGrant } from '../registry/application.js';
import { ClientDocuments } from '../registry/client-documents.service.js';
import { type Client } from '../registry/client.js';
import { decideForApplication, ISSUER_AUDIENCE } from '../registry/people-policy.js';
import { Replica } from '../registry/replica.service.js';
import { deviceOf } from '../sessions/session.js';
import { DevicesStore } from './devices.store.js';
import { DEVICE_SECONDS, POLL_SECONDS } from './polling.js';
import { digestOfUserCode, newUserCode, shownUserCode } from './user-code.js';

const ATTEMPTS = 5;

/** RFC 8628, section 3.2. */
export interface DeviceAnswer {
  readonly device_code: string;
  readonly user_code: string;
  readonly verification_uri: string;
  readonly verification_uri_complete: string;
  readonly expires_in: number;
  readonly interval: number;
}

function requestOf(form: Form, { policy }: Client): { readonly audience: string; readonly scopes: readonly string[] } {
  const { resource, audience = resource } = form;
  const { scopes } = tokenRequestOf({ ...form, audience: audience ?? ISSUER_AUDIENCE });
  const decision = decideForApplication(policy.people, audience, scopes);
  if (!decision.ok) throw new OAuthError(400, decision.error, decision.description);
  return decision;
}

/** The device's side: it begins, and gets a code for its person to enter elsewhere (RFC 8628, section 3.1). */
@Injectable()
export class DeviceAuthorization {
  constructor(
    @Inject(ISSUER_URL) private readonly issuer: string,
    @Inject(DATABASE) private readonly database: Database,
    @Inject(RecordedAuthentication) private readonly authentication: RecordedAuthentication,
    @Inject(Replica) private readonly replica: Replica,
    @Inject(ClientDocuments) private readonly clients: ClientDocuments,
    @Inject(DevicesStore) private readonly store: DevicesStore,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  /** A device begins. @throws {OAuthError} recorded by then */
  async begin(
    body: unknown,
    authorization: string | undefined,
    userAgent: string | undefined,
    trace: RequestTrace,
  ): Promise<DeviceAnswer> {
    const form = parseForm(body);
    const credentials = clientCredentialsOf(form, authorization);
    const clientId = await this.authentication.authenticate(credentials, 'device.refused', trace);
    const client = (await this.clients.find(clientId))?.client;
    if (client === undefined) throw new Error('an authenticated client must be registered');
    const who = byClient(clientId, trace);
    try {
      if (!mayUseGrant(client, DEVICE_CODE)) {
        throw new OAuthError(400, 'unauthorized_client', 'the client does not declare this grant type');
      }
      const { audience, scopes } = requestOf(form, client);
      for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
        const answer = await this.#keep(clientId, { audience, scopes }, userAgent, trace);
        if (answer !== undefined) return answer;
      }
      throw new OAuthError(503, 'temporarily_unavailable', 'no code is available; try again', { 'retry-after': '1' });
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error;
      const details = { id: clientId, outcome: 'denied', reason: error.error } as const;
      await this.outbox.recordDurably(events.event('device.refused', who, details));
      throw error;
    }
  }

  async #keep(
    clientId: string,
    { audience, scopes }: { readonly audience: string; readonly scopes: readonly string[] },
    userAgent: string | undefined,
    trace: RequestTrace,
  ): Promise<DeviceAnswer | undefined> {
    const now = this.clock();
    const [deviceCode, userCode, id] = [newOneTimeSecret(), newUserCode(), uuidv7(now.getTime())];
    const row = {
      ...{ id, clientId, audience, scopes, createdAt: now, every: POLL_SECONDS },
      deviceDigest: digestOfSecret(deviceCode),
      userCodeDigest: digestOfUserCode(userCode, this.replica.secretKey),
      device: deviceOf(userAgent),
      network: networkOf(trace.peer),
      expiresAt: new Date(now.getTime() + DEVICE_SECONDS * 1_000),
    };
    const added = await this.database.transaction(async (transaction) => {
      if (!(await this.store.add(transaction, row))) return false;
      const changes = recordedRights(clientId, row);
      await this.outbox.record(transaction, events.event('device.begun', byClient(clientId, trace), { id, changes }));
      return true;
    });
    if (!added) return undefined;
    const shown = shownUserCode(userCode);
    return {
      device_code: deviceCode,
      user_code: shown,
      verification_uri: `${this.issuer}/device`,
      verification_uri_complete: `${this.issuer}/device?user_code=${shown}`,
      expires_in: DEVICE_SECONDS,
      interval: POLL_SECONDS,
    };
  }
}
