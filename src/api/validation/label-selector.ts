/** Selectors inside objects (apimachinery meta/v1/validation ValidateLabelSelector). */
import type { FieldError } from './field-error.ts'
import { forbidden, invalid, required } from './field-error.ts'
import { labelValue, qualifiedName } from './name-rules.ts'
import { validateLabels } from './object-meta.ts'
import { listAt, recordAt, textAt, textListAt } from './read-value.ts'

export function validateLabelSelector(field: string, value: unknown): readonly FieldError[] {
  const errors: FieldError[] = []
  const selector = recordAt(errors, field, value)
  errors.push(...validateLabels(`${field}.matchLabels`, selector['matchLabels']))
  listAt(errors, `${field}.matchExpressions`, selector['matchExpressions']).forEach((item, i) => {
    const at = `${field}.matchExpressions[${i}]`
    const requirement = recordAt(errors, at, item)
    const key = textAt(errors, `${at}.key`, requirement['key'])
    const operator = textAt(errors, `${at}.operator`, requirement['operator'])
    const values = textListAt(errors, `${at}.values`, requirement['values'])
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0) {
        errors.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"))
      }
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length > 0) {
        const text = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
        errors.push(forbidden(`${at}.values`, text))
      }
    } else errors.push(invalid(`${at}.operator`, operator, 'not a valid selector operator'))
    errors.push(...qualifiedName(key).map((problem) => invalid(`${at}.key`, key, problem)))
    values.forEach((text, j) => {
      errors.push(...labelValue(text).map((problem) => invalid(`${at}.values[${j}]`, text, problem)))
    })
  })
  return errors
}
