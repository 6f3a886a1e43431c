//! One request from its arrival to its answer, with what the switches do to it on the way.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request as HttpRequest, State};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use futures_util::stream;

use super::answers::{Answer, Refusal, http_date};
use super::connection::Scissors;
use super::faults::{FaultKind, Switches, Trait, is_read};
use super::requests::Call;
use super::{Request, Shared};

/// How an exchange ends.
enum Outcome {
    Answer(Answer),
    /// The answer says that there is more than is sent.
    Short(Answer),
    Cut,
}

/// Answers a request, or cuts the connection.
pub(super) async fn answer(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    request: HttpRequest,
) -> Response<Body> {
    if shared.faults.is_down() {
        scissors.cut();
        return Response::default();
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else {
        // The client went away in the middle of its request.
        scissors.cut();
        return Response::default();
    };
    // What arrived in full is handled whether its client still waits or not, as by a store at the far end of a network.
    let handled = tokio::spawn(exchange(Arc::clone(&shared), Call::new(parts, body)));
    match handled.await {
        Ok(Some(response)) => response,
        Ok(None) | Err(_) => {
            scissors.cut();
            Response::default()
        }
    }
}

/// Handles a request and records it; `None` when its connection is to be cut.
async fn exchange(shared: Arc<Shared>, call: Call) -> Option<Response<Body>> {
    let switches = shared.faults.snapshot();
    if !switches.latency.is_zero() {
        tokio::time::sleep(switches.latency).await;
    }
    if shared.faults.is_down() {
        return None;
    }
    let head = call.method() == "HEAD";
    let outcome = handle(&shared, &call, head);
    let (status, sent) = match &outcome {
        Outcome::Answer(answer) => (answer.status, if head { 0 } else { answer.body.len() }),
        Outcome::Short(answer) => (answer.status, answer.body.len() / 2),
        Outcome::Cut => (0, 0),
    };
    shared.log().push(Request {
        method: call.method().to_owned(),
        key: call.key.clone(),
        query: call.raw_query.clone(),
        status,
        received: call.body.len() as u64,
        sent: sent as u64,
        range: call.header("range").map(str::to_owned),
    });
    let date = http_date(shared.faults.now());
    match outcome {
        Outcome::Answer(answer) => Some(respond(answer, head, date, switches.bandwidth)),
        Outcome::Short(answer) => {
            let half = answer.body.slice(..answer.body.len() / 2);
            Some(frame(&answer, date, Body::from_stream(cut_short(half))))
        }
        Outcome::Cut => None,
    }
}

/// Carries a request out, or does not, as its fault has it.
fn handle(shared: &Shared, call: &Call, head: bool) -> Outcome {
    // Not those from before the wait.
    let switches = shared.faults.snapshot();
    let resource = call.resource();
    let refuse = |refusal: Refusal| Outcome::Answer(refusal.answer(&resource));
    if let Some(refusal) = denial(&switches, call) {
        return refuse(refusal);
    }
    let run = || call.run(shared, &switches);
    let target = if call.key.is_empty() { &call.raw_query } else { &call.key };
    match shared.faults.choose(Trait { method: call.method(), target, conditional: call.is_conditional() }) {
        None => Outcome::Answer(run()),
        Some(FaultKind::ErrorBefore) => refuse(Refusal::INTERNAL),
        Some(FaultKind::SlowDown) => refuse(Refusal::SLOW_DOWN),
        Some(FaultKind::Conflict) => refuse(Refusal::CONFLICT),
        Some(FaultKind::Precondition) => refuse(Refusal::PRECONDITION),
        Some(FaultKind::CutBefore) => Outcome::Cut,
        Some(FaultKind::CutAfter) => {
            run();
            Outcome::Cut
        }
        Some(FaultKind::ErrorAfter) => {
            run();
            refuse(Refusal::INTERNAL)
        }
        Some(FaultKind::PreconditionAfter) => {
            let answer = run();
            if answer.is_success() { refuse(Refusal::PRECONDITION) } else { Outcome::Answer(answer) }
        }
        Some(FaultKind::ShortRead) => {
            let answer = run();
            if head || answer.body.is_empty() { Outcome::Answer(answer) } else { Outcome::Short(answer) }
        }
    }
}

/// Why the request may not be carried out, if so.
fn denial(switches: &Switches, call: &Call) -> Option<Refusal> {
    if let Some(key) = &switches.required_key
        && !call.header("authorization").is_some_and(|value| value.contains(&format!("Credential={key}/")))
    {
        return Some(Refusal::UNKNOWN_ACCESS_KEY);
    }
    (switches.deny || switches.deny_writes && !is_read(call.method())).then_some(Refusal::ACCESS_DENIED)
}

/// The answer as it goes over the wire, at the speed that is asked for.
fn respond(answer: Answer, head: bool, date: String, bandwidth: Option<u64>) -> Response<Body> {
    let body = match bandwidth {
        _ if head => Body::empty(),
        Some(speed) if !answer.body.is_empty() => Body::from_stream(paced(answer.body.clone(), speed.max(1))),
        _ => Body::from(answer.body.clone()),
    };
    frame(&answer, date, body)
}

/// The head of the answer, with the length of its whole body, before another body.
fn frame(answer: &Answer, date: String, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let length = (!matches!(answer.status, 204 | 304)).then(|| (header::CONTENT_LENGTH, answer.body.len().to_string()));
    let common = [(header::DATE, date), (HeaderName::from_static("x-amz-request-id"), "0000000000000000".to_owned())];
    for (name, value) in answer.headers.iter().cloned().chain(common).chain(length) {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// These bytes and then the end of the connection.
fn cut_short(bytes: Bytes) -> impl stream::Stream<Item = io::Result<Bytes>> + Send + 'static {
    stream::unfold(Some(bytes), |bytes| async move {
        match bytes {
            Some(bytes) => Some((Ok(bytes), None)),
            None => {
                // The bytes are on their way before the connection ends.
                tokio::time::sleep(Duration::from_millis(5)).await;
                Some((Err(io::ErrorKind::ConnectionAborted.into()), None))
            }
        }
    })
}

/// These bytes at so many a second.
fn paced(bytes: Bytes, speed: u64) -> impl stream::Stream<Item = io::Result<Bytes>> + Send + 'static {
    let piece = usize::try_from(speed / 50).unwrap_or(usize::MAX).clamp(1, 1 << 20);
    stream::unfold(bytes, move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        let piece = rest.split_to(piece.min(rest.len()));
        tokio::time::sleep(Duration::from_secs_f64(piece.len() as f64 / speed as f64)).await;
        Some((Ok(piece), rest))
    })
}
