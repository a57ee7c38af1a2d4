/** The exact filters of a search in the trail, as the audit service's query parameters and the command line's options name them. */
export const eventFilters = [
  'subject',
  'actor',
  'client',
  'api_key',
  'action',
  'resource',
  'outcome',
  'source',
  'type',
  'trace',
  'txn',
] as const;
