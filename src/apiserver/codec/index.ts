/** Bytes of a request to an object of a kind, with the findings of field validation. */
export type { CheckResult, FieldValidation } from './check-fields.ts'
export { checkFields, readAs } from './check-fields.ts'
export type { DecodeInput, DecodeResult, Refusal } from './decode-body.ts'
export { decodeBody } from './decode-body.ts'
export type { DeleteOptionsBody } from './decode-delete-options.ts'
export { decodeDeleteOptions } from './decode-delete-options.ts'
export { parseJson } from './parse-json.ts'
