use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use tokio::time::{sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Load;
use super::circle::{Circle, OwnCircles, user_name};
use super::random::Random;
use super::socket::{Socket, SocketError};
use crate::call::{Call, CallError};
use crate::wire::{
    Credentials, FromClient, LoggedIn, Registered, SendMessage, SessionId, Target, ToClient,
};

/// The users exist for this demo only, and listen to nobody outside.
const PASSWORD: &str = "a password of the load";
/// Of all messages, so many go to one other user; the rest to the group.
const SINGLE_SHARE: f64 = 0.7;
/// A message without an answer for so long has failed.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// The first pause after a failed attempt to connect, and the longest.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(8));
/// A connection that lasted so long was a good one: the next pause is the first one again.
const GOOD_CONNECTION: Duration = Duration::from_secs(10);
const PHRASES: [&str; 6] = [
    "are you there?",
    "on my way",
    "have you seen the bird on the gorse?",
    "no, the other one",
    "it sounds like two stones being struck together",
    "see you at nine",
];

/// One user of the load.
#[derive(Debug)]
pub(super) struct User {
    load: Arc<Load>,
    name: String,
    circles: OwnCircles,
    random: Random,
    /// Counted in its circles as registered.
    registered: bool,
    token: Option<String>,
    next_reference: u64,
}

/// Why a user is not connected.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Socket(#[from] SocketError),
}

/// A message whose answer is awaited; a user sends one at a time.
#[derive(Debug)]
struct Unanswered {
    reference: u64,
    sent_at: Instant,
    circle: Arc<Circle>,
    session: SessionId,
    others: u64,
}

impl User {
    pub fn new(load: Arc<Load>, number: usize, circles: OwnCircles) -> Self {
        let random = Random::new(load.run.wrapping_add((number as u64) << 32));
        Self {
            load,
            name: user_name(number),
            circles,
            random,
            registered: false,
            token: None,
            next_reference: 0,
        }
    }

    /// Connects and chats, again and again, until `stop`.
    pub async fn live(mut self, stop: CancellationToken) {
        let mut pause = BACK_OFF.0;
        loop {
            let Some(arrived) = stop.run_until_cancelled(self.arrive()).await else {
                return;
            };
            let since = Instant::now();
            let status = if arrived.is_ok() { "ok" } else { "error" };
            self.load.metrics.connects.with([status]).inc();
            let trouble = match arrived {
                Ok(socket) => match self.stay(socket, &stop).await {
                    Ok(()) => return,
                    Err(trouble) => trouble,
                },
                Err(trouble) => trouble,
            };
            tracing::debug!(user = self.name, %trouble, "not connected");
            if since.elapsed() > GOOD_CONNECTION {
                pause = BACK_OFF.0;
            }
            // Half of it by chance, so that users do not come back all at once.
            let part = 0.5 + 0.5 * self.random.unit();
            if stop
                .run_until_cancelled(sleep(pause.mul_f64(part)))
                .await
                .is_none()
            {
                return;
            }
            pause = (pause * 2).min(BACK_OFF.1);
        }
    }

    /// Registers if needed, logs in if needed, and connects.
    async fn arrive(&mut self) -> Result<Socket, Trouble> {
        let token = match self.token.clone() {
            Some(token) => token,
            None => self.log_in().await?,
        };
        let connected =
            Socket::connect(&format!("ws://{}/ws?token={token}", self.load.args.gateway)).await;
        self.token = match connected {
            // The chat has forgotten it, with the user perhaps.
            Err(SocketError::Token) => None,
            _ => Some(token),
        };
        Ok(connected?)
    }

    async fn log_in(&mut self) -> Result<String, Trouble> {
        let credentials = Credentials {
            name: self.name.clone(),
            password: PASSWORD.to_owned(),
        };
        let post = |path| Call {
            method: Method::POST,
            path,
            token: None,
        };
        let registered: Result<Registered, CallError> = self
            .load
            .api
            .call(&post("/api/register"), Some(&credentials))
            .await;
        match registered {
            // The user is known from an earlier run or login.
            Ok(_)
            | Err(CallError::Refused {
                status: StatusCode::CONFLICT,
                ..
            }) => {}
            Err(error) => return Err(error.into()),
        }
        if !self.registered {
            self.registered = true;
            self.circles.pair.add_registered();
            self.circles.group.add_registered();
        }
        let answer: LoggedIn = self
            .load
            .api
            .call(&post("/api/login"), Some(&credentials))
            .await?;
        Ok(answer.token)
    }

    async fn stay(&mut self, socket: Socket, stop: &CancellationToken) -> Result<(), Trouble> {
        let _connected = self.load.metrics.connected.hold();
        self.load.tally.connect();
        let ended = self.chat(socket, stop).await;
        self.load.tally.disconnect();
        if ended.is_err() {
            self.load.metrics.lost.inc();
            self.load.tally.lost.fetch_add(1, Ordering::Relaxed);
        }
        ended
    }

    /// Sends at its own pace and reads what comes, until `stop`.
    async fn chat(&mut self, mut socket: Socket, stop: &CancellationToken) -> Result<(), Trouble> {
        let mut unanswered: Option<Unanswered> = None;
        let mut next = Instant::now() + self.pause();
        loop {
            tokio::select! {
                () = stop.cancelled() => {
                    socket.close().await;
                    return Ok(());
                }
                frame = socket.receive() => self.take(frame?, &mut unanswered).await,
                () = sleep_until(next.into()) => {
                    next = Instant::now() + self.pause();
                    if unanswered.as_ref().is_some_and(|it| it.sent_at.elapsed() > ANSWER_MAX) {
                        self.failed(unanswered.take(), "timeout");
                    }
                    if unanswered.is_none() {
                        unanswered = self.speak(&mut socket).await?;
                    }
                }
            }
        }
    }

    /// Between half and one and a half times the mean pause.
    fn pause(&mut self) -> Duration {
        Duration::from_secs_f64((0.5 + self.random.unit()) / self.load.args.rate)
    }

    /// Says something in one of the circles, if it is open.
    async fn speak(&mut self, socket: &mut Socket) -> Result<Option<Unanswered>, Trouble> {
        let single = self.random.unit() < SINGLE_SHARE;
        let circle = if single {
            &self.circles.pair
        } else {
            &self.circles.group
        };
        let circle = Arc::clone(circle);
        let token = self.token.clone().unwrap_or_default();
        let place = match circle.place(&self.load.api, &self.name, &token).await {
            Ok(Some(place)) => place,
            Ok(None) => return Ok(None),
            Err(error) => {
                tracing::debug!(user = self.name, %error, "no session");
                return Ok(None);
            }
        };
        let (reference, sent_at) = (self.next_reference, Instant::now());
        self.next_reference += 1;
        let micros = sent_at.duration_since(self.load.started).as_micros();
        let body = format!("{} {micros} {}", self.load.run, self.random.pick(&PHRASES));
        let target = Target::Session {
            session_id: place.session,
        };
        let message = SendMessage { target, body };
        socket
            .send(&FromClient::Send { reference, message })
            .await?;
        let (session, others) = (place.session, place.others);
        Ok(Some(Unanswered {
            reference,
            sent_at,
            circle,
            session,
            others,
        }))
    }

    async fn take(&self, frame: ToClient, unanswered: &mut Option<Unanswered>) {
        let answers = |reference| {
            unanswered
                .as_ref()
                .is_some_and(|it| it.reference == reference)
        };
        match frame {
            ToClient::Message { line, .. } => self.received(&line.body),
            ToClient::Ack { reference, .. } if answers(reference) => {
                self.accepted(unanswered.take());
            }
            ToClient::Error {
                reference: Some(reference),
                status,
                ..
            } if answers(reference) => {
                if let (Some(message), 404) = (&unanswered, status) {
                    message.circle.forget(message.session).await;
                }
                self.failed(unanswered.take(), "error");
            }
            // An answer that came after its time; it was counted then.
            ToClient::Ack { .. } | ToClient::Error { .. } => {}
        }
    }

    fn received(&self, body: &str) {
        self.load.metrics.received.inc();
        let mut words = body.splitn(3, ' ');
        let run = words.next().and_then(|word| word.parse::<u64>().ok());
        let micros = words.next().and_then(|word| word.parse::<u64>().ok());
        if let (Some(run), Some(micros)) = (run, micros)
            && self.load.run == run
        {
            let sent_after = Duration::from_micros(micros);
            let latency = self.load.started.elapsed().saturating_sub(sent_after);
            self.load.metrics.delivery_seconds.observe_duration(latency);
            self.load.tally.delivery.record(latency);
            self.load.tally.delivered.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn accepted(&self, message: Option<Unanswered>) {
        let Some(message) = message else { return };
        let kind = message.session.kind().as_str();
        self.load.metrics.sent.with([kind, "ok"]).inc();
        self.load
            .metrics
            .send_seconds
            .observe_duration(message.sent_at.elapsed());
        self.load.tally.accepted.fetch_add(1, Ordering::Relaxed);
        self.load
            .tally
            .expected
            .fetch_add(message.others, Ordering::Relaxed);
    }

    fn failed(&self, message: Option<Unanswered>, status: &'static str) {
        let Some(message) = message else { return };
        self.load
            .metrics
            .sent
            .with([message.session.kind().as_str(), status])
            .inc();
        self.load.tally.failed.fetch_add(1, Ordering::Relaxed);
    }
}
