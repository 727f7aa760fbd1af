import type { Context } from 'koa'
import type { z } from 'zod'
import type { Service } from '../../http/service.ts'
import { policyApply, policyChangeShow, policyPreview, type PolicyChangeView } from '../../protocols/api/operations/policy-changes.ts'
import { html, type Markup } from '../html.ts'
import { perform, queryOf } from '../perform.ts'
import { changeAddress, count } from './change-page.ts'

export type Edit = z.input<typeof policyPreview.input>['edit']

/** What it reaches is counted first. @returns the page on which to choose */
export const previewed = async (ctx: Context, service: Service, edit: Edit): Promise<string> =>
  changeAddress((await perform(ctx, service, policyPreview, { edit })).id)

/**
 * The same, for what was asked for on a page that said what it means: a change that touches nobody is put in force at once.
 *
 * @param page  where that is said, with its numbers (`doneAtOnce`)
 * @returns the page that follows
 */
export async function previewedOrDone(ctx: Context, service: Service, edit: Edit, page: (change: string) => string): Promise<string> {
  const { id, state, reach } = await perform(ctx, service, policyPreview, { edit })
  if (state !== 'ready' || reach.certificates > 0 || reach.starts > 0) return changeAddress(id)
  await perform(ctx, service, policyApply, { id, action: 'leave' })
  return page(id)
}

/** @param said  what was done, in a sentence; @returns it with what it reached, when the address names a change that stands */
export async function doneAtOnce(ctx: Context, service: Service, said: string | undefined): Promise<Markup | undefined> {
  const id = queryOf(ctx, 'change')
  if (said === undefined || !/^[0-9a-f-]{36}$/.test(id)) return said === undefined ? undefined : html`${said}`
  const change = await perform(ctx, service, policyChangeShow, { id })
  return html`${said} ${untouched(change)} <a href="${changeAddress(id)}">The change</a>, which can be taken back.`
}

/** `None of the 12 phones here is touched by it.` */
export const untouched = ({ checked }: PolicyChangeView): string => checked === 0 ? 'No phone is here yet.'
  : checked === 1 ? 'The one phone that was looked at is not touched by it.' : `None of the ${count(checked, 'phone')} here is touched by it.`
