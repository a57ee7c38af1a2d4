export { DIGEST_KEY, DIRECT_GET, REVOCATION_BUCKET, REVOCATIONS_GET } from './bucket-reader.js';
export { RevocationFeedError } from './first-load.js';
export { ListDigest } from './list-digest.js';
export {
  BUCKET_SIZE_LIMIT,
  openRevocationBucket,
  type BucketOptions,
  type RevocationBucket,
} from './revocation-bucket.js';
export { startRevocationFeed } from './revocation-feed.js';
export {
  type FeedLogger,
  type RevocationFeed,
  type RevocationFeedOptions,
  type RevocationFeedState,
} from './feed-options.js';
export { bucketKeyOf, bucketKeysAgainst, isRevocableId } from './revocation.js';
export { readDigest, readStatement, StatementError } from './read-statement.js';
export { signDigest, signStatement, type Signing } from './sign-statement.js';
export { KEY_REVOCATION_LIMIT_SECONDS, type ListedRevocation, type SignedDigest, type Statement } from './statement.js';
