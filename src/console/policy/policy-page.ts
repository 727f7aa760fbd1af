import type { Context } from 'koa'
import type { Exemption, Rule } from '../../policy/rules.ts'
import { ruleSentence } from '../../policy/sentences.ts'
import { html, type Markup } from '../html.ts'
import { personLink } from '../links.ts'
import { brief, named } from '../status-words.ts'
import { csrfField, done, pager, table, when } from '../words.ts'

export type RuleShown = Pick<Rule, 'id' | 'verdict' | 'conditions' | 'reason' | 'author'> & { createdAt: string }
export type ExemptionShown = Pick<Exemption, 'id' | 'deviceId' | 'verdict' | 'reason' | 'author'> & { notAfter: string, personId: string | null, personName: string, model: string }
/** @property approvals  how many are in force */
export type PolicyPage = { rules: readonly RuleShown[], exemptions: readonly ExemptionShown[], next: string | null, approvals: number, mayChange: boolean, doneText: Markup | undefined, now: Date }

export function policyPage(ctx: Context, { rules, exemptions, next, approvals, mayChange, doneText, now }: PolicyPage): Markup {
  return html`<section><h1>Policy</h1>${done(doneText)}<p>Who is not let in by something stays out. What decides, in this order: an exemption of the phone’s own, any rule that blocks, any rule that sets aside, an <a href="/console/models?approved=yes">approved model</a> (${approvals} ${approvals === 1 ? 'approval is' : 'approvals are'} in force) or a rule that allows.</p>
<div class="actions">${mayChange && html`<a class="button main" href="/console/policy/new">New rule</a>`}<a class="button" href="/console/policy/explain">Explain a phone</a><a class="button" href="/console/policy/changes">Changes</a><a class="button" href="/console/policy/import">Coming from Exchange or Apache</a></div></section>
<section><h2>Rules</h2>${rulesTable(ctx, rules, mayChange, now)}</section>
<section><h2>Exemptions</h2><p>Decisions about one phone under one invitation. They come out of the <a href="/console/quarantine">quarantine</a>, or from the page of any phone.</p>${exemptionsTable(exemptions, mayChange, now)}${pager(next)}</section>`
}

const order = ['block', 'quarantine', 'allow'] as const

function rulesTable(ctx: Context, rules: readonly RuleShown[], mayChange: boolean, now: Date): Markup {
  const sorted = [...rules].sort((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict))
  return table({
    caption: 'The most restrictive that matches counts', head: ['Rule', 'Why', 'By', 'Since', ...mayChange ? [''] : []],
    rows: sorted.map(rule => [
      html`${named(ruleSentence(rule))}`, named(rule.reason), named(rule.author), when(new Date(rule.createdAt), now),
      ...mayChange ? [html`<form method="post" action="/console/policy/rules/${rule.id}/remove">${csrfField(ctx)}<button type="submit">Remove…<span class="unseen"> the rule ${ruleSentence(rule)}</span></button></form>`] : [],
    ]),
    empty: 'No rule. Approved models are let in, and everything else stays out.',
  })
}

const verdictWords = { allow: 'let in', quarantine: 'set aside', block: 'refused' } as const

const exemptionsTable = (exemptions: readonly ExemptionShown[], mayChange: boolean, now: Date): Markup => table({
  caption: 'They count before all rules; newest first', head: ['Phone', 'Decision', 'Why', 'By', 'Until', ...mayChange ? [''] : []],
  rows: exemptions.map(exemption => [
    html`<a href="/console/phones/${exemption.deviceId}">${brief(exemption.model)}</a> of ${exemption.personId === null ? '' : personLink(exemption.personId, exemption.personName)}`, verdictWords[exemption.verdict], brief(exemption.reason, 300), brief(exemption.author),
    when(new Date(exemption.notAfter), now),
    ...mayChange ? [html`<a href="/console/policy/exemptions/${exemption.id}/end">End<span class="unseen"> the exemption of ${brief(exemption.personName)}</span></a>`] : [],
  ]),
  empty: 'None. An exemption stands here once somebody has decided about a single phone.',
})
