import { z } from 'zod'
import { newSecretToken, tokenSha256 } from '../../../devices/secret-token.ts'
import { CaError } from '../../../errors.ts'
import { change } from '../../../http/change.ts'
import { invitationMail } from '../../../notify/messages.ts'
import { invitationStore } from '../../../store/invitations.ts'
import { outboxStore } from '../../../store/outbox.ts'
import { personStore } from '../../../store/people.ts'
import { templateStore } from '../../../store/templates.ts'
import { at, id, instant } from '../fields.ts'
import { operation } from '../operation.ts'

const dayMs = 86_400_000

export const inviteResend = operation({
  id: 'inviteResend', method: 'post', path: '/invitations/{id}/resend', role: 'operator', status: 201,
  summary: 'A new link for the same invitation, also for one that has run out. The old link opens nothing any more; what phones have begun under it goes on. Told this once.',
  input: z.strictObject({
    id,
    /** How long the new link opens; the installation's setting where left out. */
    days: z.int().min(1).max(365).optional(),
    /** Also mail the link to the person. */
    send: z.boolean().default(false),
  }),
  output: z.strictObject({ id, name: z.string(), email: z.string(), url: z.url(), expiresAt: instant }),
  async run(service, actor, { id: invitationId, days = service.config.invitationDays, send }) {
    if (send && service.config.smtpUrl === undefined) throw new CaError('mail-not-configured', 'mail cannot be sent: LATCHKEY_SMTP_URL is not set')
    const token = newSecretToken()
    return await change(service, actor, async (tx, record, now) => {
      const before = await invitationStore(tx).find(invitationId)
      if (before === undefined) throw new CaError('invitation-not-found', 'there is no invitation with this id')
      const expiresAt = new Date(now.getTime() + days * dayMs)
      if (!await invitationStore(tx).replaceLink(invitationId, tokenSha256(token), expiresAt)) throw new CaError('invitation-ended', 'the invitation was taken back; make a new one')
      const person = (await personStore(tx).find(before.personId))!
      await record('invitation.resend', `invitation:${invitationId}`, { person: person.email, sent: send, before: { expiresAt: before.expiresAt }, after: { expiresAt } })
      const url = `${service.config.url}/i/${token}`
      if (send) {
        const { template } = (await templateStore(tx).find(before.template))!
        await outboxStore(tx).add(invitationMail(person, template, url, expiresAt), now)
      }
      return { id: invitationId, name: person.name, email: person.email, url, expiresAt: at(expiresAt) }
    })
  },
})
