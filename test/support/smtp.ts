/** A server for mail, as small as one can be (RFC 5321): takes everything, or refuses what the test says. */
import { createServer, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import type { ExecutionContext } from 'ava'

export type SmtpServer = {
  readonly url: string
  /** What was taken: envelope and message as they came. */
  readonly mails: { from: string, to: string[], data: string }[]
  /** Every line that was not part of a message. */
  readonly lines: string[]
  /** Refuses recipients with this answer while it is set. */
  refuse: string | undefined
}

export async function openSmtp(t: ExecutionContext<any>): Promise<SmtpServer> {
  const sockets = new Set<Socket>()
  const state: Omit<SmtpServer, 'url'> = { mails: [], lines: [], refuse: undefined }
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    converse(socket, state)
  })
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => { sockets.forEach(socket => socket.destroy()); server.close() })
  return Object.assign(state, { url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}` })
}

function converse(socket: Socket, state: Omit<SmtpServer, 'url'>): void {
  let pending = ''
  let inData = false
  let mail = { from: '', to: [] as string[], data: '' }
  const answer = (line: string): void => { socket.write(`${line}\r\n`) }
  const command = (line: string): void => {
    state.lines.push(line)
    if (/^(EHLO|HELO)/i.test(line)) return answer('250 test')
    if (/^MAIL FROM/i.test(line)) { mail = { from: line, to: [], data: '' }; return answer('250 ok') }
    if (/^RCPT TO/i.test(line)) { if (state.refuse === undefined) mail.to.push(line.replace(/^RCPT TO:<|>.*$/gi, '')); return answer(state.refuse ?? '250 ok') }
    if (/^DATA/i.test(line)) { inData = true; return answer('354 go on') }
    if (/^QUIT/i.test(line)) { answer('221 bye'); socket.end(); return }
    answer('250 ok')
  }
  answer('220 test')
  socket.on('data', chunk => {
    pending += chunk.toString('latin1')
    for (;;) {
      const end = inData ? pending.indexOf('\r\n.\r\n') : pending.indexOf('\r\n')
      if (end < 0) return
      const text = pending.slice(0, end)
      pending = pending.slice(end + (inData ? 5 : 2))
      if (!inData) { command(text); continue }
      inData = false
      mail.data = text
      state.mails.push(mail)
      answer('250 taken')
    }
  })
}
