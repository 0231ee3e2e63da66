/** Equality selectors of Services (`spec.selector`). */
export type Labels = Readonly<Record<string, string>>

/** An empty or absent selector selects nothing: endpoints of such a Service are somebody else's business. */
export function hasSelector(selector: Labels | null | undefined): selector is Labels {
  return selector !== undefined && selector !== null && Object.keys(selector).length > 0
}

export function matchesSelector(selector: Labels, labels: Labels | undefined): boolean {
  return Object.entries(selector).every(([key, value]) => labels?.[key] === value)
}
