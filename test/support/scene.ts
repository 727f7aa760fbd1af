import type { Page } from 'playwright-core'
import type { Company } from './company.ts'

/** One thing to be seen: an address as its router spells it, what fills it, and what somebody does there. */
export type Scene = {
  readonly name: string
  readonly route: string
  /** fills `:names` of the route */
  readonly at?: (company: Company) => Readonly<Record<string, string>>
  readonly query?: string | ((company: Company) => string)
  /** Who looks; an admin unless said otherwise. */
  readonly as?: 'auditor' | 'nobody' | 'owner'
  /** of an owner's browser */
  readonly browser?: { readonly userAgent: string, readonly locale?: string, readonly script?: false }
  /** the page that this leads to, where it is another: also as its router spells it */
  readonly leadsTo?: string
  /** What is done there before it is looked at. */
  readonly act?: (page: Page, company: Company) => Promise<void>
}

export function pathOf(scene: Scene, company: Company): string {
  const params = scene.at?.(company) ?? {}
  const query = typeof scene.query === 'function' ? scene.query(company) : scene.query
  return `${scene.route.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ''))}${query === undefined ? '' : `?${query}`}`
}

/** Whether an address is that of a route. */
export const isOf = (route: string, address: string): boolean =>
  new RegExp(`^${route.replaceAll(/[.+?^$|()[\]\\]/g, '\\$&').replaceAll(/:\w+/g, '[^/]+').replaceAll(/\{\*\w+\}/g, '.*')}$`).test(new URL(address).pathname)
