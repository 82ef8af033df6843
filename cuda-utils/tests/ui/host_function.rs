// A host function runs on another thread, later: it neither borrows nor takes what must not be sent.
use std::rc::Rc;

use cuda_utils::Stream;

fn borrow(stream: &Stream) {
    let value = 1;
    stream.launch_host(|| println!("{value}")).unwrap();
}

fn send(stream: &Stream) {
    let value = Rc::new(1);
    stream.launch_host(move || println!("{value}")).unwrap();
}

fn main() {}
