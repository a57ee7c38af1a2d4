export {
  AMOUNT_LIMIT,
  currencySchema,
  currentCurrencySchema,
  minorUnitDigits,
  moneySchema,
  moneyToJson,
  type Currency,
  type Money,
  type MoneyJson,
} from './money.js';
export { ISO_4217_PUBLISHED } from './iso-4217.js';
