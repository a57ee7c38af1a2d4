/** The subjects that a user may publish to and subscribe to. */
export interface NatsRights {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/** What one account exports to others: a `service` receives requests and answers them, a `stream` only sends. */
export interface NatsExport {
  readonly kind: 'service' | 'stream';
  readonly subject: string;
  /** Who may import it; every account when omitted. */
  readonly to?: readonly string[];
}

/** What one account imports from another. */
export interface NatsImport {
  readonly kind: 'service' | 'stream';
  readonly from: 'issuer' | 'audit';
  readonly subject: string;
  /** The name here, if it differs. */
  readonly as?: string;
}

/** One service's part of the server: only exports and imports cross its boundary. */
export interface NatsAccount {
  readonly name: string;
  /** The second wall, inside the account: what its only user may do. */
  readonly rights: NatsRights;
  readonly exports: readonly NatsExport[];
  readonly imports: readonly NatsImport[];
  /** Disk capacity for its streams and their maximum number; no JetStream when omitted. */
  readonly jetStream?: { readonly megabytes: number; readonly streams: number };
}

const bucket = 'KV_revocations';
/** The issuer's own name for reading an entry of the revocation bucket. */
export const DIRECT_GET = `$JS.API.DIRECT.GET.${bucket}`;
/** Every change of the revocation bucket. */
export const BUCKET_CHANGES = '$KV.revocations.>';
/** The name under which every account but the issuer's reads an entry of the revocation bucket. */
export const REVOCATIONS_GET = 'revocations.get';

/** A service's name is its account's, in upper case. */
export const accountName = (service: string): string => service.toUpperCase();

function exportsOf(service: string, services: readonly string[]): readonly NatsExport[] {
  switch (service) {
    case 'audit':
      return [
        ...services
          .filter((other) => other !== service)
          .flatMap((to): NatsExport[] => [
            { kind: 'service', subject: `audit.${to}.>`, to: [to] },
            { kind: 'stream', subject: `receipts.${to}`, to: [to] },
            { kind: 'service', subject: `reports.${to}`, to: [to] },
          ]),
        { kind: 'stream', subject: 'log.checkpoint' },
      ];
    case 'issuer':
      return [
        { kind: 'stream', subject: BUCKET_CHANGES },
        { kind: 'service', subject: DIRECT_GET },
      ];
    default:
      return [];
  }
}

function importsOf(service: string): readonly NatsImport[] {
  const fromAudit: readonly NatsImport[] = [
    { kind: 'service', from: 'audit', subject: `audit.${service}.>` },
    { kind: 'stream', from: 'audit', subject: `receipts.${service}` },
    { kind: 'service', from: 'audit', subject: `reports.${service}` },
    { kind: 'stream', from: 'audit', subject: 'log.checkpoint' },
  ];
  const fromIssuer: readonly NatsImport[] = [
    { kind: 'stream', from: 'issuer', subject: BUCKET_CHANGES },
    { kind: 'service', from: 'issuer', subject: DIRECT_GET, as: REVOCATIONS_GET },
  ];
  return [...(service === 'audit' ? [] : fromAudit), ...(service === 'issuer' ? [] : fromIssuer)];
}

function rightsOf(service: string): NatsRights {
  const own = {
    publish: [`audit.${service}.>`, `reports.${service}`],
    subscribe: [`receipts.${service}`, 'log.checkpoint', `_INBOX_${service}.>`],
  };
  const reader = { publish: [REVOCATIONS_GET], subscribe: [BUCKET_CHANGES] };
  switch (service) {
    case 'issuer': {
      const api = ['CREATE', 'UPDATE', 'INFO', 'PURGE'].map((verb) => `$JS.API.STREAM.${verb}.${bucket}`);
      return {
        ...own,
        publish: [...own.publish, BUCKET_CHANGES, DIRECT_GET, `${DIRECT_GET}.>`, ...api],
      };
    }
    case 'audit': {
      const written = ['receipts.>', 'log.checkpoint', 'log.kept', 'audit-dead-letters.>', '$JS.API.>', '$JS.ACK.>'];
      return {
        publish: [...own.publish, ...written, ...reader.publish],
        subscribe: [...own.subscribe, 'reports.*', ...reader.subscribe],
      };
    }
    default:
      return {
        publish: [...own.publish, ...reader.publish],
        subscribe: [...own.subscribe, ...reader.subscribe],
      };
  }
}

/**
 * No service can impersonate another. Each has its own account, because permissions inside one account are no barrier: JetStream answers on
 * whatever reply subject it is given, and publishes, delivers and copies in the account's name. The single definition for the local stack, for compose and
 * for `countersign nats rights`.
 * @param services every service of the server: audit's account admits each of them
 */
export function natsAccountOf(service: string, services: readonly string[]): NatsAccount {
  const account = {
    name: accountName(service),
    rights: rightsOf(service),
    exports: exportsOf(service, services),
    imports: importsOf(service),
  };
  switch (service) {
    case 'issuer':
      return { ...account, jetStream: { megabytes: 256, streams: 1 } };
    case 'audit':
      return { ...account, jetStream: { megabytes: 3_840, streams: 3 } };
    default:
      return account;
  }
}
