import { Link } from '@tanstack/react-router';
import { type Request } from '../api/client.js';
import { Time, useNow } from '../ui/time.js';
import { Untrusted } from '../ui/untrusted.js';
import { type Column } from './access-table.js';
import styles from './access.module.css';
import { ChangeButtons } from './change-buttons.js';
import { EndingSoon } from './ending-soon.js';
import { endOfKey, endsSoon, leftText } from './expiry.js';
import { apiKeysSchema, type ApiKeyAnswer } from './issuer-answers.js';
import { askIssuer } from './issuer-queries.js';
import { PagedTable } from './paged-table.js';
import { apiKeyChange } from './api-key-changes.js';
import { type PlannedChange } from './planned-change.js';
import { Status } from './status.js';

function changesOf({ id, name, status }: ApiKeyAnswer) {
  switch (status) {
    case 'live':
      return [
        { label: 'Rotate', change: apiKeyChange.rotate(id, name) },
        { label: 'Disable', change: apiKeyChange.disable(id, name) },
        { label: 'Revoke', change: apiKeyChange.revoke(id, name) },
      ];
    case 'rotated':
      return [{ label: 'Revoke', change: apiKeyChange.revoke(id, name) }];
    case 'disabled':
      return [
        { label: 'Enable', change: apiKeyChange.enable(id, name) },
        { label: 'Revoke', change: apiKeyChange.revoke(id, name) },
      ];
    case 'expired':
    case 'revoked':
      return [];
  }
}

/** When a key was last used; the link shows what it did. */
function LastUse({ id, last_used_at: at }: ApiKeyAnswer) {
  if (typeof at !== 'string') return <>never</>;
  return (
    <Link to="/" search={{ api_key: id }}>
      <Time at={at} relative />
    </Link>
  );
}

const columnsOf = (now: number, plan: (change: PlannedChange) => void): readonly Column<ApiKeyAnswer>[] => [
  {
    title: 'Key',
    cell: ({ id, name, exposed_at: exposed }) => (
      <>
        <Link to="/" search={{ resource: `api-key/${id}` }}>
          <Untrusted text={name} brief />
        </Link>
        {typeof exposed === 'string' && <strong className={styles.off}> seen in an address</strong>}
      </>
    ),
  },
  {
    title: 'Client',
    cell: ({ client_id: id }) => (
      <Link to="/access" search={{ part: 'api-keys', client: id }}>
        <Untrusted text={id} brief />
      </Link>
    ),
  },
  { title: 'Status', cell: ({ status }) => <Status status={status} /> },
  {
    title: 'May do',
    cell: ({ audiences }) => (
      <Untrusted
        text={Object.entries(audiences)
          .map(([audience, scopes]) => `${audience}: ${scopes.join(' ')}`)
          .join('; ')}
        limit={120}
        brief
      />
    ),
  },
  {
    title: 'Ends in',
    cell: (key) => {
      const end = endOfKey(key);
      return <span title={end}>{leftText(end, now)}</span>;
    },
  },
  { title: 'Last used', cell: (key) => <LastUse {...key} /> },
  { title: 'Change', cell: (key) => <ChangeButtons changes={changesOf(key)} plan={plan} /> },
];

interface ApiKeysProps {
  readonly client: string | undefined;
  readonly plan: (change: PlannedChange) => void;
}

/** Keys of applications, newest first; above them those that expire within days. */
export function ApiKeys({ client, plan }: ApiKeysProps) {
  const now = useNow();
  const load = async (query: Request['query'], signal: AbortSignal) => {
    const { api_keys: rows, next_cursor } = await askIssuer(apiKeysSchema, 'admin/api-keys', {
      query: { ...query, client_id: client },
      signal,
    });
    return { rows, next_cursor };
  };
  const table = {
    name: ['api-keys', client],
    idOf: ({ id }: ApiKeyAnswer) => id,
    isUrgent: (key: ApiKeyAnswer) => endsSoon(endOfKey(key), now),
  };
  const columns = columnsOf(now, plan);
  return (
    <>
      <EndingSoon
        {...table}
        label="API keys that expire soon"
        count={(keys) => (keys === 1 ? 'One key expires' : `${String(keys)} keys expire`)}
        load={async (query, signal) => (await load(query, signal)).rows}
        columns={columns}
      />
      <PagedTable
        {...table}
        what="API keys"
        caption="API keys"
        empty="No API keys"
        load={load}
        columns={() => columns}
      />
    </>
  );
}
