export {
  auditRequest,
  Trace,
  traceOf,
  type AuditRequest,
  type RequestTrace,
  type TracedRequest,
} from '../trace/request-trace.js';
