import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { Time, useNow } from '../ui/time.js';
import { Untrusted } from '../ui/untrusted.js';
import { AccessTable, type Column } from './access-table.js';
import styles from './access.module.css';
import { ChangeButtons } from './change-buttons.js';
import { endOfKey, endsSoon, leftText, WARNING_DAYS, warningBound } from './expiry.js';
import { apiKeysSchema, type ApiKeyAnswer } from './issuer-answers.js';
import { askIssuer } from './issuer-queries.js';
import { Paged } from './paged.js';
import { apiKeyChange, type PlannedChange } from './planned-change.js';
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

/** The keys that end within days: above all others, wherever they would stand. */
function EndingSoon({ client, plan }: ApiKeysProps) {
  const now = useNow();
  const [before] = useState(() => warningBound(now));
  const { data } = useQuery({
    queryKey: ['issuer', 'api-keys', 'ending', client, before],
    queryFn: async ({ signal }) => {
      const query = { ends_before: before, client_id: client, limit: 200 };
      return (await askIssuer(apiKeysSchema, 'admin/api-keys', { query, signal })).api_keys;
    },
  });
  if (data === undefined || data.length === 0) return null;
  return (
    <section className={styles.warning} aria-label="Keys that end soon">
      <h3>
        {data.length === 1 ? 'One key ends' : `${String(data.length)} keys end`} within {WARNING_DAYS} days
      </h3>
      <AccessTable
        caption="API keys that end soon, the first to end first"
        empty=""
        rows={data}
        idOf={({ id }) => id}
        isUrgent={(key) => endsSoon(endOfKey(key), now)}
        columns={columnsOf(now, plan)}
      />
    </section>
  );
}

/** Keys of applications, newest first. */
export function ApiKeys({ client, plan }: ApiKeysProps) {
  const now = useNow();
  return (
    <>
      <EndingSoon client={client} plan={plan} />
      <Paged
        what="API keys"
        name={['api-keys', client]}
        load={async (cursor, signal) => {
          const query = { limit: 50, cursor, client_id: client };
          const answer = await askIssuer(apiKeysSchema, 'admin/api-keys', { query, signal });
          return { rows: answer.api_keys, next: answer.next_cursor ?? undefined };
        }}
      >
        {(rows: readonly ApiKeyAnswer[]) => (
          <AccessTable
            caption="API keys"
            empty="No API keys"
            rows={rows}
            idOf={({ id }) => id}
            isUrgent={(key) => endsSoon(endOfKey(key), now)}
            columns={columnsOf(now, plan)}
          />
        )}
      </Paged>
    </>
  );
}
