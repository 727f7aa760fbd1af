import type { Context } from 'koa'
import type { z } from 'zod'
import type { EnforcementView } from '../../protocols/api/operations/enforcement.ts'
import type { frontEndList } from '../../protocols/api/operations/front-ends.ts'
import { asks } from '../../protocols/check/kinds.ts'
import { html, type Markup } from '../html.ts'
import { done, state, table, when } from '../words.ts'
import { kindName, standingState } from './words.ts'

export type FrontEndView = z.output<typeof frontEndList.output>['items'][number]
export type FrontEndsPage = { items: readonly FrontEndView[], enforced: ReadonlyMap<string, EnforcementView>, change: number, mayChange: boolean, doneText: string | undefined, now: Date }

export function frontEndsPage(_ctx: Context, { items, enforced, change, mayChange, doneText, now }: FrontEndsPage): Markup {
  return html`<section>${done(doneText)}<h1>Front ends</h1>
<p>Whatever stands before the mail server and asks whether a phone may pass. One with an agent also proves what it enforces.</p>
${mayChange && html`<p><a class="button main" href="/console/front-ends/new">Add a front end</a></p>`}
${table({
  caption: 'Front ends, by name', head: ['Name', 'Kind', 'Stands', 'Enforces', 'Newest took', 'Trial', 'Heard'],
  rows: items.map(item => row(item, enforced.get(item.name), change, now)), empty: 'No front end yet. Nothing asks whether a phone may pass.',
})}</section>`
}

function row({ name, kind, convention }: FrontEndView, enforced: EnforcementView | undefined, change: number, now: Date): (string | Markup)[] {
  const link = html`<a href="/console/front-ends/${name}">${name}</a>`
  if (enforced === undefined) return [link, kindName(kind), state('no agent'), asks(convention) ? 'asks at each request' : 'nothing', '–', '–', '–']
  const { standing, enforcementMs, canary, heardAt } = enforced
  return [
    link, kindName(kind), standingState(standing), enforced.change >= change ? 'every change' : `${enforced.change} of ${change} changes`,
    enforcementMs === null ? '–' : `${enforcementMs} ms`, canary === null ? 'not tried' : trial(canary), when(new Date(heardAt), now),
  ]
}

export const trial = ({ revokedRefused, goodPassed }: NonNullable<EnforcementView['canary']>): Markup =>
  revokedRefused && goodPassed ? state('passed', 'good') : state(revokedRefused ? 'refused a good one' : 'let a revoked one in', 'stop')
