import Router from '@koa/router'
import { z } from 'zod'
import { CaError } from '../errors.ts'
import { readBody } from '../http/body.ts'
import type { Service } from '../http/service.ts'
import { consumeSetupLink } from '../http/setup-link.ts'
import { email, personName } from '../protocols/api/fields.ts'
import { html } from './html.ts'
import { sendPage, type Page } from './page.ts'

const maxFormBytes = 4096
const personInput = z.strictObject({ name: personName, email })

/** The first admin: the link answers with a form, and only sending the form consumes it. */
export function setupRouter(service: Service): Router {
  const router = new Router()
  router.get('/setup', ctx => sendPage(ctx, formPage(typeof ctx.query['token'] === 'string' ? ctx.query['token'] : '')))
  router.post('/setup', async ctx => {
    const form = new URLSearchParams((await readBody(ctx.req, maxFormBytes)).toString('utf8'))
    const token = form.get('token') ?? ''
    const person = personInput.safeParse({ name: form.get('name') ?? '', email: form.get('email') ?? '' })
    if (!person.success) return sendPage(ctx, formPage(token, person.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')), 400)
    try {
      const made = await consumeSetupLink(service, token, person.data)
      sendPage(ctx, donePage(made.admin.name, made.token))
    } catch (error) {
      if (!(error instanceof CaError) || !['setup-link-invalid', 'conflict'].includes(error.code)) throw error
      sendPage(ctx, formPage(token, error.message), error.code === 'setup-link-invalid' ? 403 : 400)
    }
  })
  return router
}

const formPage = (token: string, problem?: string): Page => ({
  title: 'Set up Latchkey', room: 'console',
  body: html`<section><h1>The first admin</h1><p>You get a token for the API and for <code>latchkey</code> on other machines. It is shown once.</p>
${problem !== undefined && html`<p role="alert" class="consequence">${problem}</p>`}
<form method="post" action="/setup"><input type="hidden" name="token" value="${token}">
<p><label>Name<br><input type="text" name="name" required maxlength="64" autocomplete="name"></label></p>
<p><label>E-mail<br><input type="text" inputmode="email" name="email" required maxlength="254" autocomplete="email"></label></p>
<p><button class="main" type="submit">Make me the first admin</button></p></form></section>`,
})

const donePage = (name: string, token: string): Page => ({
  title: 'Latchkey is set up', room: 'console',
  body: html`<section><h1>Welcome, ${name}</h1><p>This is your API token. Keep it now: it is stored as a hash and cannot be shown again.</p>
<p><code>${token}</code></p><p>Use it as <code>Authorization: Bearer …</code>, or set <code>LATCHKEY_URL</code> and <code>LATCHKEY_TOKEN</code> for <code>latchkey</code> on another machine.</p></section>`,
})
