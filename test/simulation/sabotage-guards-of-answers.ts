import { type Guard, guard, rareGuard, testedGuard } from './sabotage-guard.ts'

/** Those that keep what was issued, and bring it where it belongs. */
export const answerGuards: readonly Guard[] = [
  guard(
    'an answer is journaled before it is understood',
    'app/execute-send.ts',
    'attempt.answerJournaled ??= journal.answered(answeredEntry(attempt, answer))',
    'attempt.answerJournaled ??= Promise.resolve({ ok: true, value: undefined })',
  ),
  guard(
    'a refresh token is taken out of an answer that was cut',
    'domain/token-answer.ts',
    'const carriesRefreshToken = refreshToken !== undefined\n',
    'const carriesRefreshToken = refreshToken !== undefined && answer.complete\n',
  ),
  guard(
    'a refresh token in an answer of no other use is kept',
    'domain/advance-refresh.ts',
    'if (refreshToken === undefined) return settleSent(',
    'if (refreshToken === undefined || refreshToken !== undefined) return settleSent(',
  ),
  guard(
    'the newest refresh token is retained in the record',
    'domain/refresh-record.ts',
    '    generation: record.generation + (isCounted(record, { presented, retained }) ? 0 : 1),\n    retained,\n',
    '    generation: record.generation + (isCounted(record, { presented, retained }) ? 0 : 1),\n',
  ),
  guard(
    'the record is brought up to date until it is',
    'domain/conclude.ts',
    'return persisted && recorded\n',
    'return persisted\n',
  ),
  guard(
    'an access token is published only when its refresh token has a place',
    'domain/advance.ts',
    'const durable = pending.persisted || pending.recorded\n',
    'const durable = true\n',
  ),
  guard(
    'the access token of an overtaken answer is not published',
    'domain/advance.ts',
    '  return { ...progress, pending: { ...progress.pending, tokens, published: true } }\n',
    '  void tokens\n  return { ...progress, ...(_ours && { accessToken: _ours }), pending: progress.pending }\n',
  ),
  guard(
    "a human's token is not overwritten",
    'app/execute-write-back.ts',
    "? 'spent' : 'superseded'\n",
    "? 'spent' : 'ours-to-write'\n",
  ),
  guard(
    'an unknown write is read back',
    'app/execute-write-back.ts',
    "return code === 'STORE_CONFLICT' || code === 'STORE_WRITE_UNKNOWN'",
    "return code === 'STORE_UNFIT'",
  ),
  guard(
    'an answer of an earlier process goes into the record at the start',
    'app/recover-journal.ts',
    "if (entry.phase === 'answered' && tokens?.refreshToken !== undefined) {",
    "if (entry.phase === 'armed' && tokens?.refreshToken !== undefined) {",
  ),
  guard(
    'the journal forgets an answer only when it has arrived',
    'app/record.ts',
    'const over = progress.answerSettled === true || entry.startedAt === memory?.settledAnswerAt\n',
    'const over = progress.state !== undefined || memory !== undefined\n',
  ),
  guard(
    'a store that is behind is brought up to the record',
    'domain/preflight.ts',
    'tokens: doubtful ? { refreshToken } : tokens, persisted: false }',
    'tokens: doubtful ? { refreshToken } : tokens, persisted: true }',
  ),
  guard(
    'no token is in a log line',
    'app/execute-send.ts',
    '    if (!deps.mayBegin()) return notSent(send, notLeading(observed))\n    const startedAt',
    "    deps.logger.debug({ sent: send.base.refreshToken.reveal() }, 'sending')\n    if (!deps.mayBegin()) return notSent(send, notLeading(observed))\n    const startedAt",
  ),
  guard(
    'no token is in a status',
    'domain/advance-refresh.ts',
    'state: { ...state, storeVersion: presented.version }',
    'state: { ...state, storeVersion: presented.refreshToken.reveal() }',
  ),
  guard(
    'an answer ends the intent that it answers',
    'domain/refresh-record.ts',
    'const base = record.intent?.fingerprint === presented ? disarmed(record) : record\n',
    'const base = record\n',
  ),
  testedGuard(
    'test/unit/domain/preflight.test.ts',
    'an access token is not published once its refresh token was presented again',
    'domain/preflight.ts',
    'return intentOn(record, fingerprint) !== undefined',
    'return intentOn(record, fingerprint) === undefined && record.epoch < 0',
  ),
  rareGuard(
    3_129_670,
    'a document is looked at again once nobody else claims it',
    'domain/after-failure.ts',
    '(isRefusal(last) || hidesRefusal(last)) ? obtain(observed)',
    'isRefusal(last) ? obtain(observed)',
  ),
  rareGuard(
    5_015_282,
    'a token is not presented while another process presents what may be its successor',
    'domain/refresh-record.ts',
    'all.slice(own).filter((one)',
    'all.slice(own, own + 1).filter((one)',
  ),
  rareGuard(
    40_115_165,
    'an intent of a dead process that is still on its way is refused',
    'app/recover-journal.ts',
    "  if (phase !== 'armed') return false\n",
    "  if (phase !== 'armed' || version !== uid) return false\n",
  ),
]
