import Router from '@koa/router'
import type { Context } from 'koa'
import { readForm, seeOther } from '../../http/form.ts'
import type { Service } from '../../http/service.ts'
import { sessionOf } from '../../http/session.ts'
import { adminNoticesChoose } from '../../protocols/api/operations/admin-notices.ts'
import { noticeKinds, type NoticeKind } from '../../store/admin-notices.ts'
import { html, type Markup } from '../html.ts'
import { perform } from '../perform.ts'
import { csrfField } from '../words.ts'

const words: Readonly<Record<NoticeKind, { text: string, hint: string }>> = {
  'device.quarantined': { text: 'A phone waits for a decision', hint: 'Once a day for each phone.' },
  'front-end.standing': { text: 'A front end does not enforce what it should', hint: 'And when it does again.' },
  'certificates.ending': { text: 'Certificates end within 14 days', hint: 'Once a week, on phones that have no later one.' },
  'signing.late': { text: 'A signer or a revocation list was not renewed', hint: 'It renews itself; this says that it did not.' },
  'webhook.failed': { text: 'The webhook fails', hint: 'Once a day, when messages were given up.' },
  'policy.finished': { text: 'A change of policy is done', hint: 'With what it held and revoked.' },
}

/** @param canMail  whether this installation has a server for mail */
export const noticesSection = (ctx: Context, wanted: readonly NoticeKind[], canMail: boolean): Markup => html`<section><h2>What you are told by mail</h2>
${canMail ? html`<p>To ${sessionOf(ctx).email}.</p>` : html`<p>No mail is sent here: <code>LATCHKEY_SMTP_URL</code> is not set. What you choose counts as soon as it is.</p>`}
<form method="post" action="/console/account/notices">${csrfField(ctx)}<fieldset class="field"><legend class="unseen">What you are told by mail</legend>
${noticeKinds.map(kind => html`<label class="choice"><input type="checkbox" name="wanted" value="${kind}"${wanted.includes(kind) && html` checked`}><span>${words[kind].text}<span class="hint">${words[kind].hint}</span></span></label>
`)}</fieldset><button type="submit">Save</button></form></section>`

export function noticesRouter(service: Service): Router {
  const router = new Router()
  router.post('/console/account/notices', async ctx => {
    const form = await readForm(ctx)
    await perform(ctx, service, adminNoticesChoose, { id: sessionOf(ctx).actor.adminId, wanted: form.all('wanted') as NoticeKind[] })
    seeOther(ctx, '/console/account')
  })
  return router
}
