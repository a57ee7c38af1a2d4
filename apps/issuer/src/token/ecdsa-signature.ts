function integerAt(der: Buffer, offset: number): { readonly digits: Buffer; readonly end: number } {
  const length = der.readUInt8(offset + 1);
  const end = offset + 2 + length;
  const digits = der.subarray(offset + 2, end);
  return { digits: digits.length > 32 ? digits.subarray(digits.length - 32) : digits, end };
}

/** node:crypto's DER as JWS's raw r‖s of 64 bytes (RFC 7518, section 3.4): asking for raw outright costs twice the signature. */
export function derToRaw(der: Buffer): Buffer {
  const raw = Buffer.alloc(64);
  const r = integerAt(der, 2);
  const s = integerAt(der, r.end);
  r.digits.copy(raw, 32 - r.digits.length);
  s.digits.copy(raw, 64 - s.digits.length);
  return raw;
}
