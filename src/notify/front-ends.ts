/** Tells when a front end does not enforce what it should, and when it does again. */
import { enforcement, type Enforced, type Standing } from '../http/enforcement.ts'
import type { Service } from '../http/service.ts'
import { adminNotices } from '../store/admin-notices.ts'
import { outboxStore, type OutboxMessage } from '../store/outbox.ts'
import { receiptStore } from '../store/receipts.ts'
import type { Senders } from './outbox.ts'

const event = 'front-end.standing'

/** Once for each change of how a front end stands; that it is well again is told too. @returns of how many front ends */
export async function noticeFrontEnds(service: Service, { mail, webhook }: Senders): Promise<number> {
  const now = service.now()
  let told = 0
  for (const item of (await enforcement(service)).enforced.filter(({ standing, record }) => standing !== record.told)) {
    const { frontEnd, standing } = item
    told += await service.db.transaction(async tx => {
      if (!await receiptStore(tx).tell(frontEnd.id, standing)) return 0
      const admins = mail === undefined ? [] : await adminNotices(tx).wantedBy(event)
      const messages = [...admins.map(email => standingMail(email, item, service.config.url)), ...webhook === undefined ? [] : [standingWebhook(item, now)]]
      for (const message of messages) await outboxStore(tx).add(message, now)
      return 1
    })
    service.log(standing === 'in-force' ? 'info' : 'error', 'front-end-standing', { frontEnd: frontEnd.name, standing })
  }
  return told
}

const sentences: Readonly<Record<Standing, string>> = {
  'in-force': 'It enforces every revocation again.',
  behind: 'A revocation that was made is not in force there yet. A revoked phone may still get in.',
  silent: 'Its agent has not been heard. What is in force there is what was in force when it was heard last.',
  stale: 'What its agent has may not be relied on any more: it has heard nothing from Latchkey for too long.',
  'canary-failed': 'It was tried with a certificate that is revoked and with a good one, and did not do as it should.',
}

function standingMail(to: string, { frontEnd, standing, receipt }: Enforced, consoleUrl: string): OutboxMessage {
  const { canary, problems } = receipt
  const what = standing === 'in-force' ? 'enforces what it should again' : `does not enforce what it should (${standing})`
  return {
    kind: 'mail', event, recipient: to, subject: `Latchkey: ${frontEnd.name} ${what}`,
    body: `The front end ${frontEnd.name} (${frontEnd.kind}) ${what}.

${[sentences[standing], ...canary === null || canary.detail === null ? [] : [canary.detail], ...problems.map(({ code, detail }) => `${code}: ${detail}`)].join('\n')}

See: npx latchkey front-end status, or ${consoleUrl}/console
`,
  }
}

const standingWebhook = ({ frontEnd, standing, record, receipt }: Enforced, now: Date): OutboxMessage => ({
  kind: 'webhook', event, subject: `front-end:${frontEnd.name}`,
  body: JSON.stringify({
    event, at: now.toISOString(), frontEnd: frontEnd.name, kind: frontEnd.kind, standing, heardAt: record.receivedAt.toISOString(),
    change: record.changeNumber, canary: receipt.canary, problems: receipt.problems,
  }),
})
